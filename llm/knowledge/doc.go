// Package knowledge finds the passages of a tenant's own articles that answer a question, for the prompt and as the
// sources shown under the answer.
//
// Articles are split at headings and paragraphs into passages (split.go) and kept in a Portuguese full-text index of the
// tenant's own, in memory (index.go): nothing of one tenant is ever in another's index, and deleting is forgetting. The
// articles' home is a [Source]; a [Library] builds an index when a tenant first asks and again when its articles have
// changed. Uploaded files become text in extract.go; PDF is read by a process of its own (pdf.go).
package knowledge
