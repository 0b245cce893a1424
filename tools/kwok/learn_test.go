package main

import (
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestLearn has three controllers meet their first objects at once. The race detector
// says whether anything is still written then; without learn it finds two races.
func TestLearn(t *testing.T) {
	if err := learn(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for _, self := range []any{(*corev1.Node)(nil), (*corev1.Pod)(nil), map[string]any{}, (*corev1.Pod)(nil)} {
		group.Go(func() {
			if err := environment(self); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
