module dualtrack.internal/tools/openapi

go 1.26.8
