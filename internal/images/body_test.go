package images

import "testing"

func TestCardSaysTheCallToActionOnce(t *testing.T) {
	for name, c := range map[string]struct{ words, action, want string }{
		"at the end":      {"Fresh beans today.\n\nCome and see us!", "Come and see us!", "Fresh beans today."},
		"not in it":       {"Fresh beans today.", "Come and see us!", "Fresh beans today."},
		"nothing else":    {"Come and see us!", "Come and see us!", "Come and see us!"},
		"no action":       {"Fresh beans today.", "", "Fresh beans today."},
		"blanks about it": {"Fresh beans. Come! \n", " Come! ", "Fresh beans."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (nextPost{Caption: c.words, Action: c.action}).body(); got != c.want {
				t.Errorf("body = %q, want %q", got, c.want)
			}
		})
	}
}
