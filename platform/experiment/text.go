package experiment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
)

const width = 80

// JSON writes the result as one document.
func (r *Result) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write the result of experiment %s: %w", r.Name, err)
	}
	return nil
}

// Text writes the result for a terminal of 80 columns.
func (r *Result) Text(w io.Writer) error {
	var b bytes.Buffer
	wrap(&b, r.Name+": "+r.Question)
	wrap(&b, fmt.Sprintf("%d rounds; base %q, run twice in each: the second is the control", r.Rounds, r.Base))
	wrap(&b, r.Machine.String())
	unknown, none := false, false
	for _, c := range r.Metrics {
		c.text(&b)
		for _, f := range c.Arms {
			unknown, none = unknown || f.Verdict == Unknown, none || f.Verdict == None
		}
	}
	if unknown || none {
		b.WriteString("\n")
	}
	if none {
		b.WriteString("none: inside the control's spread\n")
	}
	if unknown {
		fmt.Fprintf(&b, "unknown: fewer than %d rounds, or a run measured 0\n", enough)
	}
	_, err := w.Write(b.Bytes())
	if err != nil {
		return fmt.Errorf("write the result of experiment %s: %w", r.Name, err)
	}
	return nil
}

func (c Comparison) text(b *bytes.Buffer) {
	title := c.Name
	if c.Unit != "" {
		title += ", " + c.Unit
	}
	switch {
	case c.Noisy && c.LowerIsBetter:
		title += " (noisy; lower is better)"
	case c.Noisy:
		title += " (noisy)"
	case c.LowerIsBetter:
		title += " (lower is better)"
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for i, f := range c.Arms {
		says := ""
		switch {
		case i == 1 && c.Spread > 0:
			says = "spread " + percent(c.Spread-1)
		case i > 1:
			says, _, _ = strings.Cut(f.Says, ":")
		}
		ratio := ""
		if f.Ratio > 0 {
			ratio = fmt.Sprintf("%.3f", f.Ratio)
		}
		line := fmt.Sprintf("  %-18s %9s  %-22s %6s  %s", f.Arm, Number(f.Median),
			"["+Number(f.Min)+" to "+Number(f.Max)+"]", ratio, says)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// Number is a figure with three digits that count.
func Number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == 0 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	case a >= 0.01:
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

// wrap writes words in lines of at most 80 columns.
func wrap(b *bytes.Buffer, text string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	b.WriteString(line + "\n")
}
