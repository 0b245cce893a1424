module dualtrack.internal/tools/balancer

go 1.26.1
