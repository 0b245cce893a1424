package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestDecodeOrder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"good":                 {goodOrder, ""},
		"space around":         {"\n " + goodOrder + " \n", ""},
		"nothing":              {"", "the body is empty"},
		"not JSON":             {"order", "invalid character"},
		"cut off":              {goodOrder[:40], "unexpected EOF"},
		"an unknown field":     {`{"customer":"c","coupon":"x"}`, `unknown field "coupon"`},
		"two orders":           {goodOrder + goodOrder, "more after the first"},
		"rubbish behind":       {goodOrder + "]", "invalid character"},
		"a list":               {"[]", "cannot unmarshal"},
		"a fraction":           {`{"items":[{"quantity":1.5}]}`, "cannot unmarshal"},
		"too large":            {`{"customer":"` + strings.Repeat("x", maxBody) + `"}`, "larger than"},
		"too much space after": {goodOrder + strings.Repeat(" ", maxBody), "larger than"},
	} {
		_, err := decodeOrder(strings.NewReader(tc.text))
		if got := text(err); got != tc.want && (tc.want == "" || !strings.Contains(got, tc.want)) {
			t.Errorf("%s: the error is %q, want %q", name, got, tc.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestCheckOrder(t *testing.T) {
	t.Parallel()
	minus := int64(-1)
	for name, tc := range map[string]struct {
		change func(*Order)
		want   string
	}{
		"good":               {func(*Order) {}, ""},
		"the site's money":   {func(o *Order) { o.Currency = "JPY" }, ""},
		"a gift":             {func(o *Order) { o.Items[0].PriceMinor = 0 }, ""},
		"no customer":        {func(o *Order) { o.Customer = "" }, "customer: "},
		"a strange customer": {func(o *Order) { o.Customer = "a\nb" }, "customer: "},
		"other money":        {func(o *Order) { o.Currency = "EUR" }, "currency: this site takes JPY"},
		"no items":           {func(o *Order) { o.Items = nil }, "items: want 1 to 200"},
		"many items":         {func(o *Order) { o.Items = make([]Item, maxItems+1) }, "items: want 1 to 200"},
		"no SKU":             {func(o *Order) { o.Items[1].SKU = "" }, "items[1].sku: "},
		"none of it":         {func(o *Order) { o.Items[0].Quantity = 0 }, "items[0].quantity: "},
		"too many of it":     {func(o *Order) { o.Items[0].Quantity = maxQuantity + 1 }, "items[0].quantity: "},
		"money back":         {func(o *Order) { o.Items[0].PriceMinor = -1 }, "items[0].priceMinor: "},
		"too dear":           {func(o *Order) { o.Items[0].PriceMinor = maxPrice + 1 }, "items[0].priceMinor: "},
		"from the future":    {func(o *Order) { o.MinutesSinceLastOrder = &minus }, "minutesSinceLastOrder: "},
	} {
		order, err := decodeOrder(strings.NewReader(goodOrder))
		if err != nil {
			t.Fatal(err)
		}
		tc.change(&order)
		if got := text(order.check("JPY")); got != tc.want && (tc.want == "" || !strings.Contains(got, tc.want)) {
			t.Errorf("%s: the error is %q, want %q", name, got, tc.want)
		}
	}
}

// FuzzDecodeOrder looks for orders that pass and yet have no sound total.
func FuzzDecodeOrder(f *testing.F) {
	for _, seed := range []string{goodOrder, "", "{}", "[]", goodOrder + "x", `{"items":[{"quantity":1e400}]}`, `{"newAddress":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		order, err := decodeOrder(bytes.NewReader(data))
		if len(data) > maxBody && err == nil {
			t.Errorf("%d bytes are taken", len(data))
		}
		if errors.Is(err, errTooLarge) && len(data) <= maxBody {
			t.Errorf("%d bytes are too many", len(data))
		}
		if err != nil || order.check("EUR") != nil {
			return
		}
		if total := order.total(); total < 0 || total > maxItems*maxQuantity*maxPrice {
			t.Errorf("the total is %d", total)
		}
		if count := order.count(); count < 1 || count > maxItems*maxQuantity {
			t.Errorf("it has %d pieces", count)
		}
	})
}
