package knowledge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/ledongthuc/pdf"
)

// A PDF from outside can make any reader loop, recurse or fill the memory, and in one process nothing stops that. So it
// is read by a process of its own, with a deadline and, where the system offers it, a memory limit.
const (
	pdfTime  = 20 * time.Second
	pdfPages = 2000
)

// PDFText reads a PDF from r and writes its text to w. It is what the process started for a PDF does; it may panic.
func PDFText(r io.Reader, w io.Writer) error {
	limitResources()
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return err
	}
	doc, err := pdf.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	for i := 1; i <= min(doc.NumPage(), pdfPages); i++ {
		text, err := doc.Page(i).GetPlainText(nil) // page by page: for a whole document it mixes up fonts
		if err != nil {
			continue // one unreadable page does not lose the others
		}
		if _, err := io.WriteString(w, strings.TrimSpace(text)+"\n\n"); err != nil {
			return err
		}
	}
	return nil
}

// runPDF has command read the file.
func runPDF(ctx context.Context, data []byte, command []string) (string, error) {
	if len(command) == 0 {
		return "", ErrKind
	}
	ctx, cancel := context.WithTimeout(ctx, pdfTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = []string{} // it needs none of our secrets
	cmd.Stdin = bytes.NewReader(data)
	out := &bounded{limit: MaxText + 1}
	cmd.Stdout = out
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil && out.Len() <= MaxText {
		return "", fmt.Errorf("%w: not a PDF that we understand", ErrBroken)
	}
	if out.Len() > MaxText {
		return "", ErrTooBig
	}
	return strings.ToValidUTF8(out.String(), ""), nil
}

// bounded is a buffer that refuses more than limit bytes.
type bounded struct {
	bytes.Buffer
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.limit {
		_, _ = b.Buffer.Write(p[:max(0, b.limit-b.Len())])
		return 0, errTooLong
	}
	return b.Buffer.Write(p)
}
