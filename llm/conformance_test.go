package llm_test

import (
	"fmt"
	"testing"

	"aihub/llm"
	"aihub/llm/llmtest"
)

func TestOpenAI(t *testing.T)    { run(t, llm.OpenAI, llmtest.OpenAI{}) }
func TestGemini(t *testing.T)    { run(t, llm.Gemini, llmtest.Gemini{}) }
func TestGeminiOld(t *testing.T) { run(t, llm.GeminiOld, llmtest.Gemini{}) }

func run(t *testing.T, provider string, d llmtest.Dialect) {
	t.Run("contract", func(t *testing.T) {
		llmtest.RunContract(t, func(t *testing.T, p llmtest.Play) llm.Target {
			up := llmtest.NewUpstream(t, llmtest.Serve(d, p))
			return llm.Target{ID: t.Name(), Provider: provider, BaseURL: up.URL, APIKey: llmtest.Canary, Model: "m-1", Private: true}
		})
	})
	llmtest.Run(t, provider, d)
}

func TestRehearsal(t *testing.T) {
	llmtest.RunContract(t, func(t *testing.T, p llmtest.Play) llm.Target {
		script := fmt.Sprintf("wait 0s; pace 1ms; think %d", p.Thoughts)
		if n := len(p.Text); n > 0 {
			script += fmt.Sprintf("; tokens %d; after %d", n, n)
		} else if p.Fault == "" {
			script += "; say "
		}
		switch p.Fault {
		case "":
			script = fmt.Sprintf("wait 0s; pace 1ms; think %d; finish %s; tokens %d", p.Thoughts, p.Finish, len(p.Text))
		case "cut", "stall":
			script += "; " + p.Fault
		default:
			script += "; fail " + p.Fault
		}
		if p.Usage != nil {
			script += fmt.Sprintf("; usage %d %d", p.Usage.In, p.Usage.Out)
		} else if p.Fault == "" {
			script += "; usage none"
		}
		return llm.Target{ID: t.Name(), Provider: llm.Rehearsal, Script: script}
	})
}
