package load

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// maxLine bounds a line of the log; a longer one is an error.
const maxLine = 16 << 20

// audit is what the API servers wrote down of the generator's calls.
type audit struct {
	status map[int]int
	files  int
	torn   int // lines that a kill left unfinished
}

// event is the part of an event that is looked at.
type event struct {
	Stage          string `json:"stage"`
	Verb           string `json:"verb"`
	UserAgent      string `json:"userAgent"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// readAudit counts the calls of a user agent in a folder's logs by the status of
// their answer. A call is its end; a watch its beginning, which is what the
// generator counts too.
func readAudit(dir, agent string) (audit, error) {
	a := audit{status: map[int]int{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return a, fmt.Errorf("the audit log: %w", err)
	}
	for _, file := range files {
		if err := a.read(file, agent); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (a *audit) read(file, agent string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("the audit log: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	a.files++
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	mine := []byte(`"userAgent":"` + agent + `"`)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), mine) {
			continue
		}
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			a.torn++
			continue
		}
		counts := "ResponseComplete"
		if e.Verb == "watch" {
			counts = "ResponseStarted"
		}
		if e.UserAgent == agent && e.Stage == counts {
			a.status[e.ResponseStatus.Code]++
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return nil
}

// against compares with what the generator counted. A call that was answered and
// whose answer was lost on its way is in the log alone.
func (a audit) against(status map[int]int, lost map[string]int) string {
	logged, answers, missing, odd := 0, 0, 0, 0
	for _, n := range a.status {
		logged += n
	}
	for code, n := range status {
		answers += n
		if code == 429 { // refused before it is audited
			answers -= n
			continue
		}
		missing += max(0, n-a.status[code])
	}
	for code, n := range a.status {
		odd += max(0, n-status[code])
	}
	broken := lost["connection lost"] + lost["no answer in time"]
	missing = max(0, missing-a.torn)
	said := fmt.Sprintf("%d requests in %d files, %d of them 5xx; the generator had %d answers, %d of them 5xx: ",
		logged, a.files, serverErrors(a.status), answers, serverErrors(status))
	if a.torn > 0 {
		said = fmt.Sprintf("%d lines are cut off; ", a.torn) + said
	}
	switch {
	case missing > 0:
		return said + fmt.Sprintf("they DISAGREE, %d answers are not in it", missing)
	case odd == 0:
		return said + "they agree"
	case odd <= broken:
		return said + fmt.Sprintf("they agree but for %d that it holds of the %d calls that lost their answer", odd, broken)
	}
	return said + fmt.Sprintf("they DISAGREE, it holds %d more, and only %d calls lost their answer", odd, broken)
}

func serverErrors(status map[int]int) int {
	n := 0
	for code, count := range status {
		if code >= 500 {
			n += count
		}
	}
	return n
}
