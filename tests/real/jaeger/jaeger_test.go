//go:build real

package jaeger_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tests/real/jaeger"
)

// TestSpansAreFound sends a trace of three spans as a gateway does, asks for it by
// its id, kills Jaeger and asks again: its store is on the disk.
func TestSpansAreFound(t *testing.T) {
	j := jaeger.Place(t)
	kill := j.Start(t)
	id := []byte("0123456789abcdef")
	want := []string{"charge", "reserve", "submit"}
	if err := jaeger.Export(t.Context(), j.OTLP, id, want); err != nil {
		t.Fatal(err)
	}
	if got := find(t, j, id, len(want)); !slices.Equal(got, want) {
		t.Errorf("found spans %v, sent %v", got, want)
	}
	if got := ask(t, j, []byte("fedcba9876543210")); len(got) > 0 {
		t.Errorf("a trace that nobody sent has spans %v", got)
	}
	kill()
	j.Start(t)
	if got := find(t, j, id, len(want)); !slices.Equal(got, want) {
		t.Errorf("after a kill: found spans %v, sent %v", got, want)
	}
}

// TestImageHoldsItsDigest packs the program, which the test above has built, as the
// image that clusters are given. Another Go writes another program: go.mod names it.
func TestImageHoldsItsDigest(t *testing.T) {
	for _, name := range []string{"GOAMD64", "GOEXPERIMENT", "GOFIPS140"} {
		t.Setenv(name, "")
	}
	cat, err := catalog.Load(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	image := cat.Baseline.Spec.Images["jaeger"]
	store, err := tool.New(tool.Config{ToolsDir: filepath.Join(cat.Root, "tools"), Named: tool.CheckPrograms()})
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Image(t.Context(), image.Program, image.Repository+":"+image.Tag, tool.Events{})
	if err != nil {
		t.Fatal(err)
	}
	if made.Digest != image.Digest {
		t.Errorf("%s: spec.images.jaeger.digest is %s, but what this Go builds is %s", cat.Baseline.File, image.Digest, made.Digest)
	}
}

// ask gives the names of a trace's spans.
func ask(t *testing.T, j *jaeger.Jaeger, id []byte) []string {
	t.Helper()
	answer, err := http.Get(fmt.Sprintf("http://%s/api/traces/%s", j.Query, hex.EncodeToString(id)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	names, err := jaeger.Names(text, id)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// find asks until as many spans are there: they are written after they are taken.
func find(t *testing.T, j *jaeger.Jaeger, id []byte, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if got := ask(t, j, id); len(got) >= n || time.Now().After(deadline) {
			return got
		}
	}
}
