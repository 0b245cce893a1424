package main

import (
	"fmt"
	"strings"

	"github.com/envoyproxy/go-control-plane/envoy/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
)

// walk visits every message below m, those inside an Any too, which the library's
// own validation does not enter.
func (c *checker) walk(at string, m protoreflect.Message) {
	if a, ok := m.Interface().(*anypb.Any); ok {
		inner, err := a.UnmarshalNew()
		if err != nil {
			c.refuse(place{c.doc, at}, "%v", err)
			return
		}
		c.typed++
		c.validate(at, inner)
		c.walk(at, inner.ProtoReflect())
		return
	}
	if o, ok := m.Descriptor().Options().(*descriptorpb.MessageOptions); ok && o.GetDeprecated() {
		c.refuse(place{c.doc, at}, "%s is deprecated", m.Descriptor().FullName())
	}
	c.visit(at, m)
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		p := strings.TrimPrefix(at+"."+string(fd.Name()), ".")
		c.young(p, fd.FullName())
		c.outdated(p, fd, v)
		switch {
		case fd.IsMap():
			if fd.MapValue().Message() != nil {
				v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
					c.walk(fmt.Sprintf("%s[%q]", p, k.String()), v.Message())
					return true
				})
			}
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				c.walk(fmt.Sprintf("%s[%d]", p, i), v.List().Get(i).Message())
			}
		default:
			c.walk(p, v.Message())
		}
		return true
	})
}

// outdated refuses fields and values that this version of the API gives up.
func (c *checker) outdated(at string, fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	if o, ok := fd.Options().(*descriptorpb.FieldOptions); ok {
		since, _ := proto.GetExtension(o, annotations.E_DeprecatedAtMinorVersion).(string)
		off, _ := proto.GetExtension(o, annotations.E_DisallowedByDefault).(bool)
		c.deprecated(at, string(fd.FullName()), o.GetDeprecated(), off, since)
	}
	if fd.Enum() == nil || fd.IsMap() {
		return
	}
	values := []protoreflect.Value{v}
	if fd.IsList() {
		values = nil
		for i := range v.List().Len() {
			values = append(values, v.List().Get(i))
		}
	}
	for _, one := range values {
		d := fd.Enum().Values().ByNumber(one.Enum())
		if d == nil {
			c.refuse(place{c.doc, at}, "%s has no value %d", fd.Enum().FullName(), one.Enum())
			continue
		}
		c.young(at, fd.Enum().FullName()+"."+protoreflect.FullName(d.Name()))
		if o, ok := d.Options().(*descriptorpb.EnumValueOptions); ok {
			since, _ := proto.GetExtension(o, annotations.E_DeprecatedAtMinorVersionEnum).(string)
			off, _ := proto.GetExtension(o, annotations.E_DisallowedByDefaultEnum).(bool)
			c.deprecated(at, string(d.FullName()), o.GetDeprecated(), off, since)
		}
	}
}

func (c *checker) deprecated(at, name string, deprecated, off bool, since string) {
	words := ""
	if since != "" {
		words = " since " + since
	}
	switch {
	case off:
		c.refuse(place{c.doc, at}, "%s is deprecated%s, and Envoy refuses it unless told otherwise", name, words)
	case deprecated || since != "":
		c.refuse(place{c.doc, at}, "%s is deprecated%s", name, words)
	}
}

// validate applies the rules that the API's own files state for a message.
func (c *checker) validate(at string, m proto.Message) {
	if v, ok := m.(interface{ ValidateAll() error }); ok {
		c.broken(at, v.ValidateAll())
	}
}

// broken takes a validation error apart: each message's own has the next in it.
func (c *checker) broken(at string, err error) {
	switch e := err.(type) { //nolint:errorlint // the generated types wrap nothing
	case nil:
	case interface{ AllErrors() []error }:
		for _, one := range e.AllErrors() {
			c.broken(at, one)
		}
	case interface {
		Field() string
		Reason() string
		Cause() error
	}:
		p := strings.TrimPrefix(at+"."+snake(e.Field()), ".")
		if cause := e.Cause(); cause != nil {
			c.broken(p, cause)
			return
		}
		c.refuse(place{c.doc, p}, "%s", e.Reason())
	default:
		c.refuse(place{c.doc, at}, "%v", err)
	}
}

// snake is a Go field's name as it stands in files: StatPrefix is stat_prefix.
func snake(name string) string {
	var b strings.Builder
	quoted := false
	for i, r := range name {
		switch {
		case r == '[':
			quoted = true
		case r == ']':
			quoted = false
		case !quoted && r >= 'A' && r <= 'Z':
			if i > 0 && name[i-1] != '.' && name[i-1] != '_' {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
