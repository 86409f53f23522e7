package llm_test

import (
	"testing"

	"aihub/llm"
	"aihub/llm/llmtest"
)

func TestOpenAI(t *testing.T)    { llmtest.Run(t, llm.OpenAI, llmtest.OpenAI{}) }
func TestGemini(t *testing.T)    { llmtest.Run(t, llm.Gemini, llmtest.Gemini{}) }
func TestGeminiOld(t *testing.T) { llmtest.Run(t, llm.GeminiOld, llmtest.Gemini{}) }
