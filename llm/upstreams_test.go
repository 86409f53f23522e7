//go:build upstreams

// Tests against model servers that nobody here wrote; e2e/llm/run starts them.

package llm_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/llm"
	"aihub/llm/llmtest"
)

// at is a target on a server that e2e/llm/run has started.
func at(t *testing.T, variable, provider string) llm.Target {
	t.Helper()
	url := os.Getenv(variable)
	if url == "" {
		t.Fatalf("%s is not set; e2e/llm/run sets it", variable)
	}
	target := llm.Target{ID: t.Name() + variable + provider, Provider: provider, BaseURL: url, APIKey: os.Getenv("AIHUB_TEST_KEY"), Model: "tiny-pt", Private: true}
	if provider == llm.OpenAI {
		target.BaseURL += "/v1"
	}
	return target
}

func client(t *testing.T) *llm.Client {
	c := llm.New(llm.Options{Bounds: llm.Bounds{Retries: -1, Trips: 1 << 30}})
	t.Cleanup(c.Close)
	return c
}

// say asks one question.
func say(ctx context.Context, t *testing.T, c *llm.Client, target llm.Target, question string) (r llmtest.Result) {
	t.Helper()
	start := time.Now()
	for chunk, err := range c.Stream(ctx, []llm.Target{target}, llm.Request{Messages: []llm.Message{{Role: "system", Text: "Responda em português."}, {Role: "user", Text: question}}}) {
		if err != nil {
			r.Err = err
			if strings.Contains(err.Error(), target.APIKey) {
				t.Errorf("the key is in %v", err)
			}
			continue
		}
		r.Chunks++
		r.Text += chunk.Text
		r.Reasoning += chunk.Reasoning
		r.Finish, r.Usage, r.Model = chunk.Finish, chunk.Usage, chunk.Model
	}
	r.Took = time.Since(start)
	return r
}

func TestLlamaAnswers(t *testing.T) {
	c, target := client(t), at(t, "AIHUB_TEST_LLAMA", llm.OpenAI)
	zero := 0.0
	target.Temperature = &zero
	first := say(t.Context(), t, c, target, "Qual é o prazo?")
	if first.Err != nil || first.Finish != "stop" || first.Chunks < 5 || first.Model != "tiny-pt" {
		t.Fatalf("%+v", first)
	}
	if first.Usage == nil || first.Usage.In < 10 || first.Usage.Out < int64(first.Chunks)-2 {
		t.Errorf("usage %+v for %d chunks", first.Usage, first.Chunks)
	}
	if again := say(t.Context(), t, c, target, "Qual é o prazo?"); again.Text != first.Text {
		t.Errorf("%q, then %q, %v", first.Text, again.Text, again.Err)
	}
	t.Logf("%q, %d chunks in %s", first.Text, first.Chunks, first.Took)
}

func TestLlamaRefuses(t *testing.T) {
	c := client(t)
	wrong := at(t, "AIHUB_TEST_LLAMA", llm.OpenAI)
	wrong.APIKey = "sk-another-key"
	if r := say(t.Context(), t, c, wrong, "Oi"); r.Code() != llm.CodeAuth {
		t.Errorf("another key: %+v", r)
	}
	if r := c.Test(t.Context(), wrong); r.Verdict != llm.KeyRefused {
		t.Errorf("%+v", r)
	}
	if r := say(t.Context(), t, c, at(t, "AIHUB_TEST_LLAMA", llm.OpenAI), strings.Repeat("palavra muito comprida ", 3000)); r.Code() != llm.CodeTooLong {
		t.Errorf("a conversation beyond the context: %+v", r)
	}
	if r := c.Test(t.Context(), at(t, "AIHUB_TEST_LLAMA", llm.OpenAI)); r.Verdict != llm.OK || r.Latency <= 0 {
		t.Errorf("%+v", r)
	}
	lost := at(t, "AIHUB_TEST_LLAMA", llm.OpenAI)
	lost.BaseURL = strings.TrimSuffix(lost.BaseURL, "/v1") + "/nowhere"
	if r := c.Test(t.Context(), lost); r.Verdict != llm.ModelUnknown {
		t.Errorf("%+v", r)
	}
}

// A stopped answer frees the model's slot at once; with two slots, a third answer would else have to wait.
func TestLlamaIsStopped(t *testing.T) {
	c, target := client(t), at(t, "AIHUB_TEST_ENDLESS", llm.OpenAI)
	for range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		var all, begun sync.WaitGroup
		begun.Add(2)
		for range 2 {
			all.Go(func() {
				told := sync.OnceFunc(begun.Done)
				defer told()
				var last error
				for _, err := range c.Stream(ctx, []llm.Target{target}, llm.Request{Messages: []llm.Message{{Role: "user", Text: "Oi"}}}) {
					told()
					last = err
				}
				if !errors.Is(last, context.Canceled) {
					t.Errorf("ended with %v", last)
				}
			})
		}
		begun.Wait()
		start := time.Now()
		cancel()
		all.Wait()
		if took := time.Since(start); took > time.Second {
			t.Errorf("stopped after %s", took)
		}
	}
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		log, err := os.ReadFile(os.Getenv("AIHUB_TEST_ENDLESS_LOG"))
		if err != nil {
			t.Fatal(err)
		}
		n := strings.Count(string(log), "cancel task")
		if n >= 8 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server saw %d of 8 requests stop", n)
		}
	}
}

func TestLlamaAnswersHaveAnEnd(t *testing.T) {
	c := llm.New(llm.Options{Bounds: llm.Bounds{Answer: 300}})
	defer c.Close()
	if r := say(t.Context(), t, c, at(t, "AIHUB_TEST_ENDLESS", llm.OpenAI), "Oi"); r.Code() != llm.CodeTooLong || len(r.Text) < 200 {
		t.Errorf("%+v", r)
	}
	short := at(t, "AIHUB_TEST_ENDLESS", llm.OpenAI)
	for chunk, err := range c.Stream(t.Context(), []llm.Target{short}, llm.Request{MaxTokens: 8, Messages: []llm.Message{{Role: "user", Text: "Oi"}}}) {
		if err != nil || chunk.Finish != "" && chunk.Finish != "length" {
			t.Errorf("%+v, %v", chunk, err)
		}
	}
}

func TestMock(t *testing.T) {
	for _, provider := range []string{llm.OpenAI, llm.Gemini, llm.GeminiOld, "azure"} {
		t.Run(provider, func(t *testing.T) {
			c := client(t)
			target := at(t, "AIHUB_TEST_MOCK", provider)
			target.Model = "gemini-2.5-flash"
			if provider == "azure" {
				target.Provider, target.BaseURL, target.Model = llm.OpenAI, target.BaseURL+"?api-version=2024-10-21", "gpt-5"
			} else if provider == llm.OpenAI {
				target.Model = "gpt-5"
			}
			const good = "Bom dia! ☀️ Ação, coração: posso ajudar? 👩🏽‍💻"
			r := say(t.Context(), t, c, target, "bom dia")
			if r.Text != good || r.Finish != "stop" || r.Usage == nil || r.Usage.In != 11 || r.Usage.Out != 17 {
				t.Errorf("%+v, usage %+v", r, r.Usage)
			}
			if r := say(t.Context(), t, c, target, "pense"); r.Text != "Resposta." || r.Reasoning != "Vou pensar primeiro." {
				t.Errorf("%+v", r)
			}
			if r := say(t.Context(), t, c, target, "pare no limite"); r.Text != "Uma resposta que" || r.Finish != "length" {
				t.Errorf("%+v", r)
			}
			for question, codes := range map[string]string{"corte": llm.CodeTruncated, "caia": llm.CodeTruncated, "limite": llm.CodeRateLimited, "sobrecarga": llm.CodeUnavailable, "chave": llm.CodeAuth,
				"longo demais": llm.CodeTooLong, "lixo": llm.CodeBadStream, "desligue": llm.CodeUnavailable + llm.CodeTruncated, "ferramenta": llm.CodeEmpty, "pergunta sem resposta": llm.CodeConfig + llm.CodeUnavailable} {
				r := say(t.Context(), t, c, target, question)
				if r.Code() == "" || !strings.Contains(codes, r.Code()) {
					t.Errorf("%s: %q (%v), want %s", question, r.Code(), r.Err, codes)
				}
				if (question == "corte" || question == "caia") && r.Text == "" {
					t.Errorf("%s: nothing was shown", question)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if r := say(ctx, t, c, target, "devagar"); !errors.Is(r.Err, context.DeadlineExceeded) || r.Text == "" || r.Took > time.Second {
				t.Errorf("%+v", r)
			}
			if r := c.Test(t.Context(), target); r.Verdict != llm.OK {
				t.Errorf("%+v", r)
			}
		})
	}
}
