package finding

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Hidden stands for a value that must not be shown.
const Hidden = "(secret)"

// Secretive says that what goes by this name is likely to be a secret: the name of
// an environment variable, a key, a flag. It speaks of the value itself: a
// secretName or a tokenFile says where one is, and may be shown.
func Secretive(name string) bool {
	words := wordsOf(name)
	if len(words) == 0 || slices.Contains(pointing(), words[len(words)-1]) || slices.Contains([]string{"max", "min", "num", "total"}, words[0]) {
		return false
	}
	for i, w := range words {
		one := strings.TrimSuffix(w, "s")
		ends := func(word string) bool {
			return w == word || one == word || len(word) > 4 && strings.HasSuffix(one, word)
		}
		if slices.ContainsFunc(secretWords(), ends) {
			return true
		}
		if i > 0 && (w == "key" || w == "keys") && slices.Contains(keyWords(), words[i-1]) {
			return true
		}
	}
	return false
}

func secretWords() []string {
	return strings.Fields("password passwd passphrase pwd pass secret token apikey accesskey privatekey secretkey credential authorization bearer dsn")
}

// keyWords stand before "key" where it is one that opens something.
func keyWords() []string {
	return strings.Fields("api access private secret account encryption signing shared auth master client license webhook")
}

// pointing words end names that say something about a secret, and not it.
func pointing() []string {
	return strings.Fields("name names ref refs file files path paths dir seconds ttl type kind mode size length policy enabled volume mount " +
		"expiration audience audiences issuer version namespace count lifetime period rotation interval timeout review reviews id ids " +
		"limit max min per second sec rate bucket algorithm format required optional")
}

// wordsOf takes a name apart: DB_PASSWORD, dbPassword, db-password and
// "db.password" have the same two words.
func wordsOf(name string) []string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = ' '
		case i > 0 && unicode.IsUpper(r) && unicode.IsLower(runes[i-1]),
			i > 0 && i+1 < len(runes) && unicode.IsUpper(r) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1]):
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

var (
	// urlUser is what stands before the host of an address.
	urlUser = regexp.MustCompile(`(://)[^\s/?#"'@]*(@)`)
	// called is a name before its value, in text: password: x, --db-password=x, "token": "x".
	called = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.-]*)["']?\s*[:=]\s*`)
	// held is the value.
	held = regexp.MustCompile(`^("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"'&]+)`)
	// line is a pair that has a line of a file for itself, and so all that follows.
	line = regexp.MustCompile(`(?m)^([\t -]*(?:export )?["']?)([A-Za-z][A-Za-z0-9_.-]*)(["']?[ \t]*[:=][ \t]*)(\S.*)$`)
	// reference is a value that stands elsewhere.
	reference = regexp.MustCompile(`^\$(\{[A-Za-z_]\w*\}|\([A-Za-z_]\w*\))$`)
	// header is a credential of HTTP's.
	header = regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)[A-Za-z0-9+/_.=-]{8,}`)
	// key is a private key in PEM.
	key = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)`)
)

// Clean is the text without credentials in addresses and headers, private keys, and
// the values of what is called like a secret.
func Clean(text string) string {
	if strings.Contains(text, "@") {
		text = urlUser.ReplaceAllString(text, "${1}"+Hidden+"${2}")
	}
	if strings.Contains(text, "PRIVATE KEY") {
		text = key.ReplaceAllString(text, Hidden)
	}
	text = header.ReplaceAllString(text, "${1}${2}"+Hidden)
	if !strings.ContainsAny(text, ":=") {
		return text
	}
	if strings.Contains(text, "\n") {
		text = line.ReplaceAllStringFunc(text, func(found string) string {
			m := line.FindStringSubmatch(found)
			if !Secretive(m[2][strings.LastIndex(m[2], ".")+1:]) || harmless(m[4]) {
				return found
			}
			return m[1] + m[2] + m[3] + Hidden
		})
	}
	return cleanPairs(text)
}

// cleanPairs looks at each name, for what is one's value may hold the next.
func cleanPairs(text string) string {
	var b strings.Builder
	for {
		m := called.FindStringSubmatchIndex(text)
		if m == nil {
			b.WriteString(text)
			return b.String()
		}
		name := text[m[2]:m[3]]
		b.WriteString(text[:m[1]])
		text = text[m[1]:]
		value := held.FindString(text)
		if value == "" || !Secretive(name[strings.LastIndex(name, ".")+1:]) || harmless(value) || slices.Contains(prose(), value) {
			continue
		}
		b.WriteString(Hidden)
		text = text[len(value):]
	}
}

// prose are the words with which a sentence about a field goes on after its name.
func prose() []string {
	return strings.Fields("unknown must is invalid required expected not Required Invalid Forbidden Unsupported Duplicate nothing")
}

// harmless values tell nothing.
func harmless(v string) bool {
	switch v = strings.Trim(v, `"'`); v {
	case "", "true", "false", "null":
		return true
	}
	return strings.HasPrefix(v, Hidden) || reference.MatchString(v)
}

// Hide is the value of what has this name, without what must not be shown: wholly
// where the name is that of a secret, and else without what is one inside it.
func Hide(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		return hideMap(v)
	case []any:
		return hideList(name, v)
	case string:
		if Secretive(name) && !harmless(v) {
			return Hidden
		}
		return Clean(v)
	case nil, bool:
		return v
	}
	if Secretive(name) {
		return Hidden
	}
	return v
}

// hideMap knows a pair of name and value, as of an environment variable.
func hideMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	name, _ := m["name"].(string)
	for k, v := range m {
		if k == "value" && name != "" {
			k = name
			out["value"] = Hide(k, v)
			continue
		}
		out[k] = Hide(k, v)
	}
	return out
}

// hideList knows a flag whose value is the next argument.
func hideList(name string, list []any) []any {
	out := make([]any, len(list))
	for i, v := range list {
		if i > 0 && Flag(list[i-1]) {
			v = Hide(name+" secret", v)
		} else {
			v = Hide(name, v)
		}
		out[i] = v
	}
	return out
}

// Flag says that an argument is a flag whose value comes next and is a secret.
func Flag(argument any) bool {
	s, ok := argument.(string)
	return ok && strings.HasPrefix(s, "-") && !strings.Contains(s, "=") && Secretive(s)
}

// HideAt is a value that stands at a place (RFC 6901) of an object, without what
// must not be shown. What stands around it may tell what it is.
func HideAt(object any, pointer string, v any) any {
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	name := unescape(tokens[len(tokens)-1])
	parent := object
	for _, token := range tokens[:len(tokens)-1] {
		switch p := parent.(type) {
		case map[string]any:
			parent = p[unescape(token)]
		case []any:
			parent = nil
			if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(p) {
				parent = p[i]
			}
		default:
			parent = nil
		}
	}
	switch p := parent.(type) {
	case map[string]any:
		if called, ok := p["name"].(string); ok && name == "value" {
			name = called
		}
	case []any:
		i, err := strconv.Atoi(name)
		if err == nil && i > 0 && i <= len(p) && Flag(p[i-1]) {
			return Hide("secret", v)
		}
		if name = ""; len(tokens) > 1 { // an item is called by its list
			name = unescape(tokens[len(tokens)-2])
		}
	}
	return Hide(name, v)
}

func unescape(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}
