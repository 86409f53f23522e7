package llmtest

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf16"
)

func indent(message string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(message), "", "  "); err != nil {
		panic(err)
	}
	return b.String()
}

// multiline puts every message on several data lines.
func multiline(stream string) string {
	var out strings.Builder
	for event := range strings.SplitAfterSeq(stream, "\n\n") {
		message, ok := strings.CutPrefix(strings.TrimSpace(event), "data: ")
		if !ok || !strings.HasPrefix(message, "{") {
			out.WriteString(event)
			continue
		}
		for line := range strings.SplitSeq(indent(message), "\n") {
			out.WriteString("data: " + line + "\n")
		}
		out.WriteString("\n")
	}
	return out.String()
}

func utf16of(s string) []uint16 { return utf16.Encode([]rune(s)) }
