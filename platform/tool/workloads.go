package tool

import "time"

// OrderService is the shop's order service, the one program that is built for
// images alone.
const OrderService = "orderservice"

// WorkloadPrograms are the programs that run in clusters and serve nothing else
// here. Any other program of the store can be packed as an image too.
func WorkloadPrograms() []Program {
	return []Program{{Name: OrderService, Dir: "orderservice", Package: ".", LDFlags: "-s -w", Expected: 80 * time.Second}}
}

// nobody runs a program for which no component has chosen a user.
const nobody = "65532:65532"

// workloadImage is what the image of a program says besides its bytes: users are
// those that the components run it as. A change here changes the digest in the
// baseline.
func workloadImage(program string) ImageSpec {
	switch program {
	case OrderService:
		return ImageSpec{Program: program, User: "10080:10080", Ports: []string{"8080/tcp", "9464/tcp"}}
	case EtcdOps:
		return ImageSpec{Program: program, User: "10379:10379"}
	case Jaeger:
		return ImageSpec{Program: program, User: "10016:10016", Ports: []string{"4317/tcp", "16686/tcp", "8888/tcp", "13133/tcp"}}
	}
	return ImageSpec{Program: program, User: nobody}
}
