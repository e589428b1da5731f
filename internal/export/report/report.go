// Package report writes what a run found about an account as one HTML page that
// needs nothing but itself: no script, no font, no picture, no request. The page's
// content security policy forbids them all, and every word from outside is escaped
// by html/template.
package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/stagewatch/stagewatch/internal/content"
)

// Input is what the page is about.
type Input struct {
	Run      string
	Started  time.Time
	Corpus   content.Corpus
	Analysis content.Analysis
	Plan     content.Plan
}

//go:embed page.html parts.html page.css
var files embed.FS

// Write writes the page. The same input gives the same bytes.
func Write(w io.Writer, in Input) error {
	css, err := files.ReadFile("page.css")
	if err != nil {
		return fmt.Errorf("style: %w", err)
	}
	t, err := template.New("page.html").ParseFS(files, "page.html", "parts.html")
	if err != nil {
		return fmt.Errorf("template: %w", err)
	}
	p := pageOf(in)
	p.CSS = template.CSS(css) //nolint:gosec // It is our own file, embedded at build time.
	sum := sha256.Sum256(css)
	p.Policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}
