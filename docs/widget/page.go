// Package widget holds the page for webmasters, which the program serves too: the widget's messages in a browser's
// console lead to it.
package widget

import _ "embed"

// Page is the page in Markdown.
//
//go:embed README.md
var Page string
