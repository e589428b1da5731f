package main

import (
	"fmt"
	"strconv"
	"strings"
)

// dict is a Python dict in its order.
type dict []item

// item is an entry of a dict. Keys and values are dict, string (a Python str or
// bytes), int or bool.
type item struct{ key, value any }

// parse reads one Python literal of dicts, whole numbers, strings without
// prefix or with b, True and False.
func parse(text string) (any, error) {
	p := parser{text: text}
	value, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.next() != 0 {
		return nil, p.fault("text after the literal")
	}
	return value, nil
}

// deepest bounds how far dicts are nested; those of the module are three deep.
const deepest = 10

type parser struct {
	text string
	at   int
}

func (p *parser) fault(what string) error {
	return fmt.Errorf("python literal: byte %d: %s", p.at, what)
}

// next skips blanks and returns the byte there, 0 at the end.
func (p *parser) next() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// took takes s if it comes next.
func (p *parser) took(s string) bool {
	p.next()
	found := strings.HasPrefix(p.text[p.at:], s)
	if found {
		p.at += len(s)
	}
	return found
}

func (p *parser) value(depth int) (any, error) {
	c := p.next()
	switch {
	case c == '{' && depth < deepest:
		return p.dict(depth)
	case c == '\'' || c == '"' || c == 'b':
		return p.string()
	case '0' <= c && c <= '9':
		return p.number()
	case p.took("True"):
		return true, nil
	case p.took("False"):
		return false, nil
	}
	return nil, p.fault("no literal that is known here")
}

func (p *parser) dict(depth int) (any, error) {
	d := dict{}
	p.at++ // The brace.
	for !p.took("}") {
		if len(d) > 0 && !p.took(",") {
			return nil, p.fault("no comma")
		}
		if len(d) > 0 && p.took("}") { // A comma may stand before it.
			break
		}
		key, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.took(":") {
			return nil, p.fault("no colon")
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		d = append(d, item{key, value})
	}
	return d, nil
}

func (p *parser) number() (any, error) {
	rest := p.text[p.at:]
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	n, err := strconv.Atoi(digits)
	if err != nil {
		return nil, p.fault(err.Error())
	}
	p.at += len(digits)
	return n, nil
}

func (p *parser) string() (any, error) {
	p.took("b")
	quote := p.next()
	if quote != '\'' && quote != '"' {
		return nil, p.fault("no quote")
	}
	var s strings.Builder
	for p.at++; p.at < len(p.text); {
		switch c := p.text[p.at]; c {
		case quote:
			p.at++
			return s.String(), nil
		case '\\':
			b, err := p.escaped()
			if err != nil {
				return nil, err
			}
			s.WriteByte(b)
		default:
			s.WriteByte(c)
			p.at++
		}
	}
	return nil, p.fault("a string without an end")
}

// escaped reads \xNN, \\ and escaped quotes.
func (p *parser) escaped() (byte, error) {
	rest := p.text[p.at+1:]
	if rest == "" {
		return 0, p.fault("a string without an end")
	}
	switch rest[0] {
	case '\\', '\'', '"':
		p.at += 2
		return rest[0], nil
	case 'x':
		if len(rest) < 3 {
			return 0, p.fault("a string without an end")
		}
		n, err := strconv.ParseUint(rest[1:3], 16, 8)
		if err != nil {
			return 0, p.fault(err.Error())
		}
		p.at += 4
		return byte(n), nil
	}
	return 0, p.fault("an unknown escape")
}
