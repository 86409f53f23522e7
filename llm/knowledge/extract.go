package knowledge

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Bounds of an uploaded file and of the text that is kept of it, in bytes.
const (
	MaxFile = 10 << 20
	MaxText = 1 << 20
)

// Errors of Extract that an administrator can do something about.
var (
	ErrKind    = errors.New("the file is none of .md, .txt, .csv, .pdf")
	ErrTooBig  = errors.New("the file or its text is too big")
	ErrNoText  = errors.New("no text was found in the file")
	ErrBroken  = errors.New("the file can't be read")
	errTooLong = errors.New("output too long")
)

// Extract turns a file into an article's text. pdf is the command that reads a PDF from its standard input and writes
// its text (see [PDFText]).
func Extract(ctx context.Context, name string, data []byte, pdf []string) (Article, error) {
	if len(data) > MaxFile {
		return Article{}, ErrTooBig
	}
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	kind := strings.ToLower(path.Ext(base))
	a := Article{Title: strings.TrimSpace(strings.TrimSuffix(base, path.Ext(base)))}
	var err error
	switch kind {
	case ".md", ".txt":
		a.Text = decode(data)
		if first, rest, _ := strings.Cut(strings.TrimSpace(a.Text), "\n"); kind == ".md" {
			if level, title := headingOf(strings.TrimSpace(first)); level == 1 {
				a.Title, a.Text = title, rest
			}
		}
	case ".csv":
		a.Text, err = rows(decode(data))
	case ".pdf":
		a.Text, err = runPDF(ctx, data, pdf)
	default:
		return a, ErrKind
	}
	if err != nil {
		return a, err
	}
	a.Text = strings.TrimSpace(strings.ReplaceAll(a.Text, "\x00", ""))
	switch {
	case a.Text == "":
		return a, ErrNoText
	case len(a.Text) > MaxText:
		return a, ErrTooBig
	}
	return a, nil
}

// decode reads text as UTF-8, else as Windows-1252, which spreadsheets in Brazil still write.
func decode(data []byte) string {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if utf8.Valid(data) {
		return string(data)
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil {
		return strings.ToValidUTF8(string(data), "�")
	}
	return string(text)
}

// rows turns each line of a table into a paragraph that says what is what, since a passage stands alone.
func rows(text string) (string, error) {
	r := csv.NewReader(strings.NewReader(text))
	if first, _, _ := strings.Cut(text, "\n"); strings.Count(first, ";") > strings.Count(first, ",") {
		r.Comma = ';'
	}
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = -1, true, true
	table, err := r.ReadAll()
	if err != nil {
		return "", fmt.Errorf("%w: not a table", ErrBroken)
	}
	var b strings.Builder
	for i := 1; i < len(table); i++ {
		var cells []string
		for j, cell := range table[i] {
			if cell = strings.TrimSpace(cell); cell == "" {
				continue
			}
			if j < len(table[0]) && strings.TrimSpace(table[0][j]) != "" {
				cell = strings.TrimSpace(table[0][j]) + ": " + cell
			}
			cells = append(cells, cell)
		}
		b.WriteString(strings.Join(cells, "; ") + "\n\n")
	}
	return b.String(), nil
}
