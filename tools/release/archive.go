package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// file is one file of an archive.
type file struct {
	Name string
	Path string // where it is now
	Mode fs.FileMode
}

// fixedTime is every file's time: the earliest that zip can write.
func fixedTime() time.Time { return time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) }

// tarGz packs files into one folder of an archive: fixed time, no owner, in the
// order given.
func tarGz(to, folder string, files []file) error {
	return written(to, func(w io.Writer) error {
		compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		archive := tar.NewWriter(compressed)
		for _, f := range files {
			if err := addTar(archive, folder, f); err != nil {
				return err
			}
		}
		return errors.Join(archive.Close(), compressed.Close())
	})
}

func addTar(archive *tar.Writer, folder string, f file) error {
	info, err := os.Stat(f.Path)
	if err != nil {
		return err
	}
	err = archive.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Format: tar.FormatUSTAR, Name: path.Join(folder, f.Name),
		Size: info.Size(), Mode: int64(f.Mode.Perm()), ModTime: fixedTime(),
	})
	if err != nil {
		return err
	}
	return copyFrom(archive, f.Path)
}

// zipped is tarGz for systems that open zip files.
func zipped(to, folder string, files []file) error {
	return written(to, func(w io.Writer) error {
		archive := zip.NewWriter(w)
		for _, f := range files {
			header := &zip.FileHeader{Name: path.Join(folder, f.Name), Method: zip.Deflate, Modified: fixedTime()}
			header.SetMode(f.Mode)
			entry, err := archive.CreateHeader(header)
			if err != nil {
				return err
			}
			if err := copyFrom(entry, f.Path); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

func copyFrom(w io.Writer, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(w, in)
	return err
}

func written(to string, write func(io.Writer) error) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
