package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"aihub/llm"
	"aihub/store"
)

// aihub runs a command in an environment and returns its exit code and everything it printed.
func aihub(t *testing.T, getenv func(string) string, stdin string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := command(t.Context(), args, getenv, strings.NewReader(stdin), &out, &out)
	return code, out.String()
}

func TestAnInstallationIsMadeFromAShell(t *testing.T) {
	env := environment(t, map[string]string{"AIHUB_ENV": "production", "AIHUB_MASTER_KEY": testKey, "AIHUB_PUBLIC_URL": "https://hub.example.com"})
	for _, c := range []struct {
		stdin string
		args  []string
		code  int
		say   string
	}{
		{"senha do operador\n", []string{"operator", "add", "op@hub.example", "Operador"}, 0, "added op@hub.example"},
		{"senha do chefe", []string{"tenant", "add", "gama", "Gama Net", "chefe@gama.example", "Chefe", "America/Manaus"}, 0, "/p/gama"},
		{"senha do chefe", []string{"tenant", "add", "gama", "Outra", "outra@gama.example", "Chefe"}, 1, "taken"},
		{"senha do chefe", []string{"tenant", "add", "Gama!", "x", "x@gama.example", "Chefe"}, 1, "slug"},
		{"", []string{"tenant", "add", "delta", "x", "x@delta.example", "Chefe"}, 1, "standard input"},
		{"", []string{"tenant", "list"}, 0, "gama  Gama Net    ativo  1       America/Manaus"},
		{"curta\n", []string{"user", "add", "gama", "ana@gama.example", "Ana", "usuario"}, 1, "8 to 256 bytes"},
		{"senha da ana\n", []string{"user", "add", "gama", "ana@gama.example", "Ana", "operador"}, 1, "ROLE"},
		{"senha da ana\n", []string{"user", "add", "gama", "ana@gama.example", "Ana", "usuario"}, 0, "added ana@gama.example"},
		{"outra senha\n", []string{"user", "passwd", "gama", "ana@gama.example"}, 0, "new password"},
		{"outra senha\n", []string{"user", "passwd", "nada", "ana@gama.example"}, 1, "no distributor"},
		{"", []string{"tenant", "suspend", "gama"}, 0, "suspenso"},
		{"", []string{"tenant", "resume", "gama"}, 0, "ativo"},
		{"", []string{"audit", "verify"}, 0, "gama: 5 entries, head "},
		{"", []string{"audit", "verify", "nada"}, 1, "no distributor"},
		{"", []string{"tenant"}, 2, "unknown argument"},
		{"", []string{"tenant", "suspend"}, 2, "usage: aihub tenant suspend SLUG"},
	} {
		code, out := aihub(t, env, c.stdin, c.args...)
		if code != c.code || !strings.Contains(out, c.say) {
			t.Errorf("aihub %s: exit %d, want %d and %q:\n%s", strings.Join(c.args, " "), code, c.code, c.say, out)
		}
		if c.stdin != "" && strings.Contains(out, strings.TrimSpace(c.stdin)) {
			t.Errorf("aihub %s prints the password", strings.Join(c.args, " "))
		}
	}
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(env("AIHUB_DATA"), "aihub.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.Background()) }()
	tenant, _, err := db.Directory().TenantBySlug(t.Context(), "gama")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := tenant.UserByEmail(t.Context(), "ana@gama.example"); err != nil || u.TokenEpoch != 1 {
		t.Errorf("ana is %+v, %v", u, err)
	}
	if _, err := tenant.PlanOf(t.Context(), "u"); err != nil {
		t.Errorf("there is no default plan: %v", err)
	}
}

func TestKeysRotateAndABackupComesBack(t *testing.T) {
	env := map[string]string{"AIHUB_ENV": "production", "AIHUB_MASTER_KEY": testKey, "AIHUB_PUBLIC_URL": "https://hub.example.com", "OPENAI_API_KEY": "sk-planted-0123456789"}
	old := environment(t, env)
	if code, out := aihub(t, old, "senha do operador\n", "operator", "add", "op@hub.example", "Operador"); code != 0 {
		t.Fatal(out)
	}
	const newKey = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	next := func(name string) string {
		switch name {
		case "AIHUB_MASTER_KEY":
			return newKey
		case "AIHUB_MASTER_KEY_PREVIOUS":
			return testKey
		}
		return old(name)
	}
	for i, say := range []string{"1 keys", "0 keys"} {
		if code, out := aihub(t, next, "", "keys", "rotate"); code != 0 || !strings.Contains(out, say) {
			t.Errorf("rotation %d: exit %d: %s", i, code, out)
		}
	}
	if code, out := aihub(t, old, "", "keys", "rotate"); code != 1 || strings.Contains(out, "planted") {
		t.Errorf("the old key alone: exit %d: %s", code, out)
	}
	file := filepath.Join(t.TempDir(), "backup.db")
	if code, out := aihub(t, old, "", "backup", file); code != 0 {
		t.Error(out)
	}
	if code, _ := aihub(t, old, "", "restore", file); code != 1 {
		t.Error("a backup was restored over a database")
	}
	elsewhere := environment(t, env)
	if code, out := aihub(t, elsewhere, "", "restore", file); code != 0 {
		t.Fatal(out)
	}
	if code, out := aihub(t, elsewhere, "", "tenant", "list"); code != 0 || !strings.Contains(out, "ixc") {
		t.Error(out)
	}
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(elsewhere("AIHUB_DATA"), "aihub.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.Background()) }()
	list, _, err := db.Global().LLMConfigs(t.Context(), store.Page{})
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	key, _ := decodeKey(newKey)
	sealer, err := llm.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := sealer.Open("", list[0].ID, list[0].SealedKey); err != nil || plain != "sk-planted-0123456789" {
		t.Errorf("%q, %v", plain, err)
	}
}
