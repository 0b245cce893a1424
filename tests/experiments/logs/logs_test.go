package logs

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of bytes.
func field(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

// request is an export of lines of a resource with keys.
func request(keys []string, lines ...string) []byte {
	var resource, scope []byte
	for _, k := range keys {
		resource = append(resource, field(1, field(1, []byte(k)))...)
	}
	for _, l := range lines {
		record := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), 7)
		scope = append(scope, field(2, append(record, field(5, field(1, []byte(l)))...))...)
	}
	return field(1, append(field(1, resource), field(2, scope)...))
}

func post(t *testing.T, s *Sink, zipped bool, message []byte) (status string) {
	t.Helper()
	body := make([]byte, 5)
	if zipped {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(message); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		body[0], message = 1, b.Bytes()
	}
	binary.BigEndian.PutUint32(body[1:], uint32(len(message)))
	var plain http.Protocols
	plain.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &plain}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+"/Export", bytes.NewReader(append(body, message...)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.Trailer.Get("Grpc-Status")
}

func TestSinkCounts(t *testing.T) {
	t.Parallel()
	s, err := NewSink(t.Context(), Files{Count: 2, Lines: 3}, "site")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, tt := range []struct {
		message []byte
		zipped  bool
		want    string
	}{
		{request([]string{"site"}, text(0, 0), text(1, 2)), true, "0"},
		{request([]string{"other"}, text(0, 0), "no line", text(2, 0), text(0, 3)), false, "0"},
		{[]byte{0x0a, 0xff}, false, "3"},
	} {
		if got := post(t, s, tt.zipped, tt.message); got != tt.want {
			t.Errorf("answered %q, want %q", got, tt.want)
		}
	}
	got := s.Counts()
	got.Last = time.Time{}
	if diff := cmp.Diff(Counts{Lines: 2, Again: 1, Strange: 3, Without: map[string]int{"site": 4}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFiles holds that what is written is every line once, long ones in two parts.
func TestFiles(t *testing.T) {
	t.Parallel()
	f := Files{Count: 2, Lines: 1000}
	for name, write := range map[string]func(string) error{
		"at once": f.Write,
		"slowly":  func(pods string) error { return f.Trickle(t.Context(), pods, 20_000) },
	} {
		pods := t.TempDir()
		if err := write(pods); err != nil {
			t.Fatal(err)
		}
		for file := range f.Count {
			data, err := os.ReadFile(filepath.Join(f.dir(pods, file), "0.log"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
			if len(lines) != 1001 || !strings.Contains(lines[999], " stdout P ") || !strings.HasSuffix(lines[3], " stdout F "+text(file, 3)) {
				t.Errorf("%s: file %d has %d lines, the last but one %q", name, file, len(lines), lines[len(lines)-2])
			}
		}
	}
}

func FuzzSink(f *testing.F) {
	f.Add(request([]string{"site"}, "file=0 line=0 x"))
	f.Add([]byte{0x0a, 0x80})
	f.Fuzz(func(t *testing.T, message []byte) {
		s, err := NewSink(t.Context(), Files{Count: 1, Lines: 1}, "site")
		if err != nil {
			t.Fatal(err)
		}
		_ = s.take(message, 0) // either is right; it must not fall over
		if c := s.Counts(); c.Lines > 1 {
			t.Errorf("%d lines of 1", c.Lines)
		}
	})
}
