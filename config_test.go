package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func environment(t *testing.T, set map[string]string) func(string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	return func(name string) string {
		if v, ok := set[name]; ok {
			return v
		}
		if name == "AIHUB_DATA" {
			return dir
		}
		return ""
	}
}

func TestAWrongSettingIsNamedAndNeverQuoted(t *testing.T) {
	production := map[string]string{"AIHUB_ENV": "production", "AIHUB_MASTER_KEY": testKey, "AIHUB_PUBLIC_URL": "https://hub.example.com"}
	for _, c := range []struct {
		name, value, say string
		production       bool
	}{
		{"AIHUB_ENV", "s3cret-staging", "AIHUB_ENV", false},
		{"AIHUB_ADDR", "s3cret", "AIHUB_ADDR", false},
		{"AIHUB_ADDR", "127.0.0.1:99999", "AIHUB_ADDR", false},
		{"AIHUB_OPS_ADDR", "s3cret", "AIHUB_OPS_ADDR", false},
		{"AIHUB_DRAIN", "s3cret", "AIHUB_DRAIN", false},
		{"AIHUB_DRAIN", "-1", "AIHUB_DRAIN", false},
		{"AIHUB_ACCESS_TTL", "1", "AIHUB_ACCESS_TTL", false},
		{"AIHUB_DEMO_PASSWORD", "s3cret", "AIHUB_DEMO_PASSWORD", false},
		{"AIHUB_MASTER_KEY", "s3cret", "AIHUB_MASTER_KEY", false},
		{"AIHUB_MASTER_KEY", "", "AIHUB_MASTER_KEY is required", true},
		{"AIHUB_MASTER_KEY_PREVIOUS", "s3cret", "AIHUB_MASTER_KEY_PREVIOUS", false},
		{"AIHUB_PUBLIC_URL", "", "AIHUB_PUBLIC_URL is required", true},
		{"AIHUB_PUBLIC_URL", "http://s3cret.example.com", "AIHUB_PUBLIC_URL", true},
		{"AIHUB_PUBLIC_URL", "https://user:s3cret@hub.example.com", "AIHUB_PUBLIC_URL", false},
		{"AIHUB_PUBLIC_URL", "https://hub.example.com/s3cret", "AIHUB_PUBLIC_URL", false},
		{"MONGODB_URI", "postgres://user:s3cret@db", "MONGODB_URI", false},
		{"NATS_URL", "nats://user:s3cret@bus:4222", "NATS_URL is set but MONGODB_URI is not", false},
		{"NATS_REPLICAS", "s3cret", "NATS_REPLICAS", false},
		{"NATS_REPLICAS", "2", "NATS_REPLICAS", false},
		{"AIHUB_SMTP_URL", "smtp://user:s3cret@mail.example", "AIHUB_SMTP_FROM", false},
		{"AIHUB_SMTP_URL", "https://user:s3cret@mail.example", "AIHUB_SMTP_URL", false},
		{"AIHUB_SMTP_FROM", "s3cret", "AIHUB_SMTP_URL", false},
		{"AIHUB_OTLP_ENDPOINT", "s3cret", "AIHUB_OTLP_ENDPOINT", false},
		{"OPENAI_BASE_URL", "s3cret", "OPENAI_BASE_URL", false},
	} {
		set := map[string]string{}
		if c.production {
			for k, v := range production {
				set[k] = v
			}
		}
		set[c.name] = c.value
		_, err := readConfig(environment(t, set))
		if err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s=%q: got %v, want an error with %q", c.name, c.value, err, c.say)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error quotes the value: %v", c.name, err)
		}
	}
	if _, err := readConfig(environment(t, production)); err != nil {
		t.Errorf("a right production configuration is refused: %v", err)
	}
}

func TestDevelopmentMakesOneKeyThatOnlyItsOwnerReads(t *testing.T) {
	env := environment(t, nil)
	first, err := readConfig(env)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(first.madeDevelopmentAt)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, want 0600", info.Mode().Perm())
	}
	second, err := readConfig(env)
	if err != nil {
		t.Fatal(err)
	}
	if string(first.masterKey) != string(second.masterKey) || second.madeDevelopmentAt != "" {
		t.Error("the second start does not use the first one's key")
	}
}

func TestHelpListsEverySettingAndTheReadmeToo(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	help := usage()
	for _, s := range settings {
		if !strings.Contains(help, s.name) {
			t.Errorf("--help lacks %s", s.name)
		}
		if !strings.Contains(string(readme), "`"+s.name+"`") {
			t.Errorf("README.md lacks %s", s.name)
		}
		if s.secret && s.def != "" && strings.Contains(help, s.def) {
			t.Errorf("--help shows the default of %s", s.name)
		}
	}
}
