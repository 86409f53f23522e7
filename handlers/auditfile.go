package handlers

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"aihub/hub"
	"aihub/store"
)

type auditFileInput struct {
	Bearer
	Person string `query:"person" required:"true" minLength:"1" maxLength:"80" doc:"id of somebody with an account, or of a visitor"`
}

// auditFileMost bounds how far back the file goes, in entries of the whole ledger.
const auditFileMost = 200_000

// auditFile is what the ledger has of one person: what they did, and what others did in their conversations and with their
// account. It is for the person who asks who has read along.
func (s *Server) auditFile(ctx context.Context, who hub.Principal, in *auditFileInput) (*fileOutput, error) {
	about := map[string]bool{in.Person: true}
	for cursor := ""; ; {
		list, next, err := who.Tenant.Conversations(ctx, in.Person, cursor, 200)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			about[c.ID] = true
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write([]string{"n", "at", "actor", "role", "action", "target", "hash"}) // a buffer takes everything
	for cursor, seen := "", 0; seen < auditFileMost; {
		list, next, err := who.Tenant.AuditLog(ctx, store.AuditFilter{}, store.Page{Cursor: cursor, Limit: 200})
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if about[e.Target] || e.Actor == in.Person {
				_ = out.Write([]string{strconv.FormatInt(e.N, 10), stamp(e.At), plainCell(e.Actor), e.ActorRole, e.Action, plainCell(e.Target), e.Hash})
			}
		}
		seen += len(list)
		if cursor = next; cursor == "" {
			break
		}
	}
	out.Flush()
	return &fileOutput{ContentType: "text/csv; charset=utf-8", ContentDisposition: fmt.Sprintf(`attachment; filename="registro-%s.csv"`, fileName(in.Person)),
		Body: b.Bytes()}, nil
}

// plainCell keeps a spreadsheet from taking a value for a formula.
func plainCell(s string) string {
	if strings.IndexAny(s, "=+-@\t\r") == 0 {
		return "'" + s
	}
	return s
}

// fileName leaves of an id what may stand in a file's name.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, id)
}
