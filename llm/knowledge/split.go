package knowledge

import (
	"strings"
	"unicode/utf8"
)

// Bounds of a passage, in bytes: long enough to answer something, short enough that several fit the prompt.
const (
	passageGoal = 900
	passageMax  = 1600
)

// split cuts an article at its headings, then between paragraphs, so that each passage speaks of one thing. A passage is
// titled by the article and the headings above it.
func split(a Article) []Passage {
	var out []Passage
	var headings [6]string
	var body strings.Builder
	title := a.Title
	flush := func() {
		if text := strings.TrimSpace(body.String()); text != "" {
			out = append(out, Passage{Article: a.ID, Title: title, Text: text})
		}
		body.Reset()
	}
	fenced := false
	for paragraph := range paragraphs(a.Text) {
		if level, heading := headingOf(paragraph); level > 0 && !fenced {
			flush()
			headings[level-1] = heading
			clear(headings[level:])
			title = a.Title
			for _, h := range headings {
				if h != "" && h != a.Title {
					title += " › " + h
				}
			}
			continue
		}
		if strings.Count(paragraph, "```")%2 == 1 {
			fenced = !fenced
		}
		if body.Len() > 0 && body.Len()+len(paragraph) > passageGoal && !fenced {
			flush()
		}
		for len(paragraph) > passageMax {
			n := cut(paragraph, passageMax)
			body.WriteString(paragraph[:n])
			flush()
			paragraph = strings.TrimSpace(paragraph[n:])
		}
		body.WriteString(paragraph + "\n\n")
	}
	flush()
	return out
}

// paragraphs yields the text's paragraphs and heading lines without their surrounding space.
func paragraphs(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		var lines []string
		flush := func() bool {
			p := strings.TrimSpace(strings.Join(lines, "\n"))
			lines = lines[:0]
			return p == "" || yield(p)
		}
		for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
			line = strings.TrimRight(line, "\n")
			level, _ := headingOf(line)
			if (strings.TrimSpace(line) == "" || level > 0) && !flush() {
				return
			}
			if level > 0 {
				if !yield(line) {
					return
				}
			} else if strings.TrimSpace(line) != "" {
				lines = append(lines, line)
			}
		}
		flush()
	}
}

// headingOf reads a markdown heading line; level 0 means that it is none.
func headingOf(line string) (level int, text string) {
	for level < len(line) && level < 7 && line[level] == '#' {
		level++
	}
	if level == 0 || level > 6 || level == len(line) || line[level] != ' ' || strings.Contains(line, "\n") {
		return 0, ""
	}
	return level, strings.TrimSpace(strings.TrimRight(line[level:], "# "))
}

// cut is a place at or before limit to cut a long text at: after a sentence, else after a word, else between code points.
func cut(s string, limit int) int {
	for _, end := range []string{"\n", ". ", "; ", " "} {
		if i := strings.LastIndex(s[:limit], end); i > limit/2 {
			return i + len(end)
		}
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return limit
}
