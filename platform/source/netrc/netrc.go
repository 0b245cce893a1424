// Package netrc finds a login in the text of a .netrc file. It reads no file and
// prints nothing.
package netrc

import "strings"

// Login is a user's name and password at one host. Nothing prints it.
type Login struct{ User, Password string }

// Find reads a .netrc, as ftp(1) and curl do: the first machine of the
// name, or default. Macros are left out.
func Find(text, host string) *Login {
	var found *Login
	take := false // the entry that is being read is the one
	macro := false
	for line := range strings.Lines(text) {
		if macro = macro && strings.TrimSpace(line) != ""; macro {
			continue
		}
		words := strings.Fields(line)
		for i := 0; i < len(words); i++ {
			word, next := words[i], ""
			if strings.HasPrefix(word, "#") {
				break
			}
			if i+1 < len(words) {
				next = strings.Trim(words[i+1], `"`)
			}
			switch word {
			case "machine", "default":
				if found != nil {
					return found
				}
				if take = word == "default" || strings.EqualFold(next, host); take {
					found = &Login{}
				}
			case "macdef":
				macro = true
			}
			if macro {
				break
			}
			if take && word == "login" {
				found.User = next
			}
			if take && word == "password" {
				found.Password = next
			}
			if word != "default" {
				i++
			}
		}
	}
	return found
}
