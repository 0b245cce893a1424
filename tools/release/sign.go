package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// noteName is the file of the signed checksums: a note in the form of the Go
// checksum database, with an Ed25519 signature.
const noteName = sumsName + ".note"

// keyName names the key within a note.
const keyName = "dualtrack.internal/release"

// noteSigner signs checksums.
type noteSigner func(sums []byte) ([]byte, error)

// keygen writes a new private key and, beside it, its public key.
func keygen(path string) (public string, err error) {
	private, public, err := note.GenerateKey(rand.Reader, keyName)
	if err != nil {
		return "", err
	}
	if err := writeNew(path, private, 0o600); err != nil {
		return "", err
	}
	return public, writeNew(path+".pub", public, 0o644)
}

// writeNew never replaces a key.
func writeNew(path, line string, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}

// signer reads a private key; nil without a path.
func signer(path string) (noteSigner, error) {
	if path == "" {
		return nil, nil
	}
	key, err := readKey(path)
	if err != nil {
		return nil, err
	}
	s, err := note.NewSigner(key)
	if err != nil {
		return nil, fmt.Errorf("%s holds no private key of `release keygen`", path) // the cause may show the key
	}
	return func(sums []byte) ([]byte, error) { return note.Sign(&note.Note{Text: string(sums)}, s) }, nil
}

func readKey(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > 4096 {
		return "", fmt.Errorf("%s is too long for a key", path)
	}
	data, err := os.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}

// verify holds a release against its checksums, and these against the signature
// of a public key; without one the signature is not looked at. It gives the
// number of files.
func verify(dir, keyFile string) (int, error) {
	sums, err := bounded(filepath.Join(dir, sumsName))
	if err != nil {
		return 0, err
	}
	if keyFile != "" {
		if err := verifyNote(dir, keyFile, sums); err != nil {
			return 0, err
		}
	}
	listed, err := parseSums(sums)
	if err != nil {
		return 0, err
	}
	names, err := filesOf(dir)
	if err != nil {
		return 0, err
	}
	var wrong []string
	for _, name := range names {
		if _, there := listed[name]; !there {
			wrong = append(wrong, name+" is not in "+sumsName)
		}
	}
	for name, want := range listed {
		got, err := sumOf(filepath.Join(dir, name))
		switch {
		case err != nil:
			wrong = append(wrong, name+" cannot be read")
		case got != want:
			wrong = append(wrong, name+" has another checksum")
		}
	}
	if slices.Sort(wrong); len(wrong) > 0 {
		return 0, errors.New(strings.Join(wrong, "; "))
	}
	return len(listed), nil
}

func verifyNote(dir, keyFile string, sums []byte) error {
	key, err := readKey(keyFile)
	if err != nil {
		return err
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return fmt.Errorf("%s holds no public key of `release keygen`", keyFile)
	}
	signed, err := bounded(filepath.Join(dir, noteName))
	if err != nil {
		return fmt.Errorf("the release is not signed: %w", err)
	}
	opened, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return fmt.Errorf("%s is not signed by this key: %w", noteName, err)
	}
	if !bytes.Equal([]byte(opened.Text), sums) {
		return fmt.Errorf("%s is not what was signed", sumsName)
	}
	return nil
}

func bounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSums {
		return nil, fmt.Errorf("%s has %d bytes; it may have %d", path, info.Size(), maxSums)
	}
	return os.ReadFile(path)
}

// parseSums reads checksums by name. Names are those of files in one folder.
func parseSums(sums []byte) (map[string]string, error) {
	line := regexp.MustCompile(`^([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]*)$`)
	out := map[string]string{}
	for i, text := range strings.Split(strings.TrimSuffix(string(sums), "\n"), "\n") {
		m := line.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("%s:%d: is no checksum and name", sumsName, i+1)
		}
		if _, twice := out[m[2]]; twice {
			return nil, fmt.Errorf("%s:%d: %s stands twice", sumsName, i+1, m[2])
		}
		out[m[2]] = m[1]
	}
	return out, nil
}
