package clustertest

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/cluster"
)

// Disk holds a provider's state folder, and nothing else's.
type Disk interface {
	// Fill leaves no free block on it.
	Fill(t testing.TB)
	// Free gives space again.
	Free(t testing.TB)
	// Files are the files on it with their sizes.
	Files(t testing.TB) map[string]int64
}

// fullAtFirst starts a cluster of which nothing is there on a full disk: that is
// said, and nothing is there afterwards either.
func (s *suite) fullAtFirst(t *testing.T) {
	disk := s.traits.Disk
	if err := s.core.Remove(t.Context(), s.name); err != nil {
		t.Fatal(err)
	}
	disk.Fill(t)
	defer disk.Free(t)
	before := disk.Files(t)
	s.refusedForSpace(t, s.startError(t))
	if s.core.Knows(s.name) {
		t.Error("the cluster is known, and nothing of it was made")
	}
	if diff := gocmp.Diff(before, disk.Files(t)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
	if err := errors.Join(s.core.Stop(t.Context(), s.name), s.core.Remove(t.Context(), s.name)); err != nil {
		t.Errorf("stop and remove on a full disk: %v", err)
	}
}

// full starts a cluster that was there on a full disk. It may go through where
// nothing has to be written. Either way the disk holds afterwards what it held,
// and with space again the next start goes on.
func (s *suite) full(t *testing.T) {
	disk := s.traits.Disk
	if s.traits.Found { // it was taken, and is taken again
		if err := s.core.Remove(t.Context(), s.name); err != nil {
			t.Fatal(err)
		}
	}
	s.halt(t)
	disk.Fill(t)
	before := disk.Files(t)
	err := s.startError(t)
	if err == nil && s.traits.Found {
		t.Error("what must be written was not, and start says nothing of it")
	}
	if err != nil {
		s.refusedForSpace(t, err)
		// Real nodes are an engine's, and wake before anything has to be written.
		if _, err := s.core.Access(t.Context(), s.name); err == nil && s.traits.Nodes != RealNodes {
			t.Error("start failed, and the cluster runs")
		}
	}
	if diff := gocmp.Diff(before, disk.Files(t)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
	s.halt(t)
	disk.Free(t)
	Kept(t, s.start(t))
	if diff := gocmp.Diff([]string(nil), s.start(t).Changed); diff != "" {
		t.Errorf("a further start changed (-want +got):\n%s", diff)
	}
}

// startError is the error of a start.
func (s *suite) startError(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	_, err := s.core.Start(ctx, s.spec, cluster.Events{})
	return err
}

// refusedForSpace holds an error to what a person needs: where, why, and what
// to do. It is no fault of the declaration and no unreachable cluster, which end
// a command with another code.
func (s *suite) refusedForSpace(t *testing.T, err error) {
	t.Helper()
	full, ok := errors.AsType[*cluster.StorageError](err)
	if !ok || !errors.Is(err, syscall.ENOSPC) || errors.Is(err, cluster.ErrUnreachable) || errors.Is(err, cluster.ErrRefused) {
		t.Fatalf("start on a full disk answers %v", err)
	}
	if full.Path == "" || !strings.Contains(err.Error(), full.Path) || !strings.Contains(err.Error(), "free disk space there and run the command again") {
		t.Errorf("the error does not say where, or what to do: %v", err)
	}
}
