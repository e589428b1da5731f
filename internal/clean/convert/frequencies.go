package main

import (
	"fmt"
	"strings"

	"github.com/stagewatch/stagewatch/internal/clean/ngrams"
)

// frequencies reads the module, which assigns one literal:
//
//	ngrams_data = {"type": …, "languages": {0: 'am', …}, "ngrams": {b' the ': {11: 216, …}, …}, …}
//
// The languages come back in the order of their numbers, which must be 0, 1, 2 ….
func frequencies(module []byte) (languages []string, entries []ngrams.Entry, err error) {
	const begin = "ngrams_data = "
	_, text, found := strings.Cut(string(module), begin)
	if !found {
		return nil, nil, fmt.Errorf("no %q in the module", begin)
	}
	value, err := parse(text)
	if err != nil {
		return nil, nil, err
	}
	parts, err := as[dict](value)
	if err != nil {
		return nil, nil, err
	}
	for _, part := range parts {
		switch part.key {
		case "languages":
			languages, err = codes(part.value)
		case "ngrams":
			entries, err = numbers(part.value)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%v: %w", part.key, err)
		}
	}
	if len(languages) == 0 || len(entries) == 0 {
		return nil, nil, fmt.Errorf("%d languages and %d frequencies in the module", len(languages), len(entries))
	}
	return languages, entries, nil
}

func codes(value any) ([]string, error) {
	all, err := as[dict](value)
	if err != nil {
		return nil, err
	}
	var languages []string
	for i, language := range all {
		code, err := as[string](language.value)
		if err != nil {
			return nil, err
		}
		if language.key != i {
			return nil, fmt.Errorf("language %d has the number %v", i, language.key)
		}
		languages = append(languages, code)
	}
	return languages, nil
}

func numbers(value any) ([]ngrams.Entry, error) {
	all, err := as[dict](value)
	if err != nil {
		return nil, err
	}
	var entries []ngrams.Entry
	for _, item := range all {
		ngram, err := as[string](item.key)
		if err != nil {
			return nil, err
		}
		of, err := as[dict](item.value)
		if err != nil {
			return nil, err
		}
		for _, pair := range of {
			language, err := as[int](pair.key)
			if err != nil {
				return nil, err
			}
			frequency, err := as[int](pair.value)
			if err != nil {
				return nil, err
			}
			entries = append(entries, ngrams.Entry{Ngram: ngram, Language: language, Frequency: frequency})
		}
	}
	return entries, nil
}

// as returns a parsed value of the type that it must have.
func as[T any](value any) (T, error) {
	t, ok := value.(T)
	if !ok {
		return t, fmt.Errorf("%.40q is not of the expected type %T", fmt.Sprint(value), t)
	}
	return t, nil
}
