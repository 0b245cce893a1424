package tool

import "time"

// OrderService is the shop's order service, the workload that is built here.
const OrderService = "orderservice"

// WorkloadPrograms are the programs that run in clusters, each packed as an
// image by Store.Image.
func WorkloadPrograms() []Program {
	return []Program{{Name: OrderService, Dir: "orderservice", Package: ".", LDFlags: "-s -w", Expected: 80 * time.Second}}
}

// workloadImage is what the image of a program says besides its bytes. A change
// here changes the digest in the baseline.
func workloadImage(program string) (ImageSpec, bool) {
	if program != OrderService {
		return ImageSpec{}, false
	}
	return ImageSpec{
		Program: OrderService,
		User:    "10080:10080", // as the component's chart runs it
		Ports:   []string{"8080/tcp", "9464/tcp"},
	}, true
}
