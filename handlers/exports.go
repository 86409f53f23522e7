package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aihub/hub"
	"aihub/store"
)

// exportFor is how long an export may be downloaded.
const exportFor = 24 * time.Hour

// ExportBody says whose data to export.
type ExportBody struct {
	UserID string `json:"user_id" maxLength:"80"`
}

type exportView struct {
	Meta
	ExportBody
	By     string `json:"by"`
	EndsAt string `json:"ends_at"`
	URL    string `json:"url" doc:"where it is downloaded, with the same token"`
}

func viewExport(e store.Export) exportView {
	return exportView{metaOf(e.ID, e.Rev, e.CreatedAt, time.Time{}), ExportBody{e.UserID}, e.By, stamp(e.EndsAt), "/api/v1/exports/" + e.ID + "/file"}
}

func (s *Server) listExports(ctx context.Context, who hub.Principal, p store.Page) ([]exportView, string, error) {
	list, next, err := who.Tenant.Exports(ctx, p)
	return viewAll(list, viewExport), next, err
}

func (s *Server) getExport(ctx context.Context, who hub.Principal, id string) (exportView, error) {
	e, err := who.Tenant.Export(ctx, id)
	return viewExport(e), err
}

func (s *Server) createExport(ctx context.Context, who hub.Principal, id string, b ExportBody) (exportView, error) {
	e, err := who.Tenant.CreateExport(ctx, store.Export{ID: id, UserID: b.UserID, By: who.User, EndsAt: s.store.Now().Add(exportFor)})
	if errors.Is(err, store.ErrNotFound) {
		err = hub.Ef("bad_field", "there is no such person")
	}
	return viewExport(e), err
}

func (s *Server) deleteExport(ctx context.Context, who hub.Principal, id string, rev int64) error {
	return who.Tenant.DeleteExport(ctx, id, rev)
}

// downloadExport streams everything that is kept of a person, as JSON lines; the last one is the receipt. A download
// without one was cut off.
func (s *Server) downloadExport(ctx context.Context, who hub.Principal, in *Item) (*huma.StreamResponse, error) {
	e, err := who.Tenant.Export(ctx, in.ID)
	if err == nil && !s.store.Now().Before(e.EndsAt) {
		err = hub.E("not_found")
	}
	if err == nil {
		err = who.Tenant.Person(ctx, e.UserID)
	}
	if err != nil {
		return nil, err
	}
	s.audit(ctx, who, in.Bearer, "/api/v1/exports", "baixar", e.ID, map[string]string{"pessoa": e.UserID})
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "application/x-ndjson")
		c.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.ndjson"`, e.ID))
		c.SetHeader("Cache-Control", "no-store")
		c.SetStatus(http.StatusOK)
		if _, err := who.Tenant.ExportPerson(c.Context(), e.UserID, c.BodyWriter()); err != nil {
			s.log.Warn("export cut off", "tenant", who.Tenant.ID().String(), "export", e.ID, "error", err)
		}
	}}, nil
}
