package memo

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if _, ok := s.Get("a"); ok {
		t.Error("an empty store has an entry")
	}
	s.Put("a", []byte("one"))
	s.Put("b", nil)
	again := open(t, dir)
	if got, ok := again.Get("a"); !ok || string(got) != "one" {
		t.Errorf("%q, %v", got, ok)
	}
	if got, ok := again.Get("b"); !ok || len(got) != 0 {
		t.Errorf("%q, %v", got, ok)
	}
	other := open(t, dir)
	other.program = "another build"
	if _, ok := other.Get("a"); ok {
		t.Error("an entry of another build is seen")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(Dir(dir))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestNil holds that a program without a store does the same, slower.
func TestNil(t *testing.T) {
	t.Parallel()
	var s *Store
	s.Put("a", []byte("one"))
	if _, ok := s.Get("a"); ok || s.Close() != nil {
		t.Error("the nil store kept an entry")
	}
}

// TestDamage changes every file of the store, byte by byte and by its length: what
// is read is what was kept, or nothing.
func TestDamage(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("entry "), 20)
	for _, damage := range []func([]byte) []byte{
		func([]byte) []byte { return nil },
		func(b []byte) []byte { return b[:len(b)/2] },
		func(b []byte) []byte { return append(b, 'x') },
		func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	} {
		dir := t.TempDir()
		s := open(t, dir)
		s.Put("a", want)
		files, err := filepath.Glob(filepath.Join(Dir(dir), "*", "*-[ad]"))
		if err != nil || len(files) != 2 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			whole, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, ok := s.Get("a"); ok && !bytes.Equal(got, want) {
				t.Errorf("%s: %q", file, got)
			}
			s.Put("a", want) // heals
			if got, ok := s.Get("a"); !ok || !bytes.Equal(got, want) {
				t.Errorf("%s is not healed: %q, %v", file, got, ok)
			}
		}
	}
}

// TestParallel has several stores of one folder read and write the same keys.
func TestParallel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		s := open(t, dir)
		all.Go(func() {
			for i := range 50 {
				key, want := fmt.Sprint(i), bytes.Repeat([]byte{byte(i)}, 1000)
				if got, ok := s.Get(key); ok && !bytes.Equal(got, want) {
					t.Errorf("entry %d is wrong", i)
				}
				s.Put(key, want)
			}
		})
	}
	all.Wait()
}

func TestShrink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 10 {
		s.Put(fmt.Sprint(i), bytes.Repeat([]byte{byte(i)}, 1000))
		files, err := filepath.Glob(filepath.Join(Dir(dir), "*", "*-d"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files { // the ones that stand there grow older
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			older := info.ModTime().Add(-time.Minute)
			if err := os.Chtimes(file, older, older); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := shrink(Dir(dir), 20_000); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Get("0"); !ok {
		t.Error("entries within the limit were removed")
	}
	if err := shrink(Dir(dir), 8_000); err != nil {
		t.Fatal(err)
	}
	_, first := s.Get("0")
	_, last := s.Get("9")
	if first || !last {
		t.Errorf("the oldest entry is there: %v, the newest: %v", first, last)
	}
}
