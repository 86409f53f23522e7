// Package llm speaks to models. It imports nothing of ours.
package llm
