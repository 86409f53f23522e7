package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Password is that of every person of the demo.
const Password = "demo-aihub"

// An API is the REST interface as one person uses it. Its methods are safe for concurrent use.
type API struct {
	Base   func() string // of an instance or a balancer
	Tenant string
	Email  string

	mu      sync.Mutex
	token   string
	expires time.Time
}

// A Response is what the server answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Into decodes the body.
func (r Response) Into(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return fmt.Errorf("the answer %d %q is not the expected JSON: %w", r.Status, r.Body, err)
	}
	return nil
}

// Code is the stable code of an error.
func (r Response) Code() string {
	var problem struct{ Code string }
	_ = json.Unmarshal(r.Body, &problem)
	return problem.Code
}

// Call makes one request without authentication unless header says so. body, when not nil, is sent as JSON.
func Call(ctx context.Context, method, url string, header map[string]string, body any) (Response, error) {
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return Response{}, err
		}
		content = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return Response{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	return Response{res.StatusCode, res.Header, raw}, err
}

// Token logs in when there is no token or it ends soon.
func (a *API) Token(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && time.Until(a.expires) > 90*time.Second {
		return a.token, nil
	}
	res, err := Call(ctx, http.MethodPost, a.Base()+"/api/v1/auth/login", nil,
		map[string]any{"tenant": a.Tenant, "email": a.Email, "password": Password})
	if err != nil {
		return "", fmt.Errorf("log %s in: %w", a.Email, err)
	}
	if res.Status != http.StatusOK {
		return "", fmt.Errorf("log %s in: %d %s", a.Email, res.Status, res.Body)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Seconds int    `json:"expires_in"`
	}
	if err := res.Into(&tokens); err != nil {
		return "", err
	}
	a.token, a.expires = tokens.Access, time.Now().Add(time.Duration(tokens.Seconds)*time.Second)
	return a.token, nil
}

// Do makes a request under /api/v1 as the person.
func (a *API) Do(ctx context.Context, method, path string, body any) (Response, error) {
	token, err := a.Token(ctx)
	if err != nil {
		return Response{}, err
	}
	return Call(ctx, method, a.Base()+"/api/v1"+path, map[string]string{"Authorization": "Bearer " + token}, body)
}

// Get reads path into v and expects success.
func (a *API) Get(ctx context.Context, path string, v any) error {
	res, err := a.Do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if res.Status != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, res.Status, res.Body)
	}
	return res.Into(v)
}
