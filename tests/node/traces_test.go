//go:build node

package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"dualtrack.internal/tests/real/jaeger"
)

// traced sends a trace to the hub's Jaeger, as the gateway does, and asks the
// Service for it.
func traced(t *testing.T, client *kubernetes.Clientset) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	id, want := []byte("fedcba9876543210"), []string{"charge", "reserve", "submit"}
	pod, err := client.CoreV1().Pods("observability").Get(ctx, "jaeger-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := jaeger.Export(ctx, through(ctx, t, pod.Status.PodIP, "4317"), id, want); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the trace", func() error {
		answer, err := client.CoreV1().RESTClient().Get().
			AbsPath(fmt.Sprintf("/api/v1/namespaces/observability/services/jaeger:query/proxy/api/traces/%x", id)).DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("%w: %s", err, answer)
		}
		got, err := jaeger.Names(answer, id)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("found spans %v, sent %v", got, want)
		}
		return err
	})
	fmt.Fprintf(os.Stderr, "a trace sent to the hub's Jaeger and found in %.1f s\n", time.Since(began).Seconds())
}

// through is an address of this machine whose one connection leads from the hub's
// node to an address of its pods, which this machine has no way to.
func through(ctx context.Context, t *testing.T, pod, port string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	var pipe sync.WaitGroup
	pipe.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return // nobody came
		}
		defer conn.Close()
		cmd := exec.CommandContext(ctx, "docker", "exec", "-i", hubNode, "bash", "-c",
			`exec 3<>"/dev/tcp/$1/$2" && { cat <&3 & cat >&3; kill $!; }`, "pipe", pod, port)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = conn, conn, os.Stderr
		cmd.WaitDelay = time.Second
		_ = cmd.Run() // what went wrong, the caller's answer says
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		pipe.Wait()
	})
	return listener.Addr().String()
}
