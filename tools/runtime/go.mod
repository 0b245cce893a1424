module dualtrack.internal/tools/runtime

go 1.26.1
