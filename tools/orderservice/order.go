package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// Limits of an order. The largest total, maxItems × maxQuantity × maxPrice, is
// far from the end of an int64.
const (
	maxBody     = 64 << 10
	maxItems    = 200
	maxQuantity = 10_000
	maxPrice    = 1_000_000_000
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Order is what a shop sends.
type Order struct {
	Customer string `json:"customer"`
	Currency string `json:"currency,omitempty"` // empty: the site's
	Items    []Item `json:"items"`
	// What the model asks besides; a shop may leave it out.
	MinutesSinceLastOrder *int64 `json:"minutesSinceLastOrder,omitempty"`
	NewAddress            *bool  `json:"newAddress,omitempty"`
}

// Item is one line of an order. Prices are in the currency's minor units.
type Item struct {
	SKU        string `json:"sku"`
	Quantity   int64  `json:"quantity"`
	PriceMinor int64  `json:"priceMinor"`
}

// errTooLarge is an order above maxBody.
var errTooLarge = fmt.Errorf("the order is larger than %d bytes", maxBody)

// decodeOrder reads one order and nothing else: unknown fields, a second value
// and more than maxBody bytes are errors.
func decodeOrder(r io.Reader) (Order, error) {
	var order Order
	err := decodeStrict(r, maxBody, &order)
	if errors.Is(err, errLimit) {
		err = errTooLarge
	}
	return order, err
}

// errLimit is more input than is read.
var errLimit = errors.New("the input is too large")

// decodeStrict reads the one JSON value that is all of r.
func decodeStrict(r io.Reader, most int64, into any) error {
	limited := &io.LimitedReader{R: r, N: most + 1}
	dec := json.NewDecoder(limited)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		_, err = dec.Token()
		switch {
		case errors.Is(err, io.EOF):
			err = nil
		case err == nil:
			err = errors.New("there is more after the first value")
		}
	}
	if limited.N <= 0 {
		return errLimit
	}
	if errors.Is(err, io.EOF) {
		return errors.New("the body is empty")
	}
	return err
}

// check says what is wrong with an order at a site of this currency.
func (o Order) check(currency string) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !namePattern.MatchString(o.Customer) {
		wrong("customer: want 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if o.Currency != "" && o.Currency != currency {
		wrong("currency: this site takes %s", currency)
	}
	if len(o.Items) == 0 || len(o.Items) > maxItems {
		wrong("items: want 1 to %d", maxItems)
		return errors.Join(errs...)
	}
	for i, item := range o.Items {
		if !namePattern.MatchString(item.SKU) {
			wrong("items[%d].sku: want 1 to 64 letters, digits, dots, dashes or underscores", i)
		}
		if item.Quantity < 1 || item.Quantity > maxQuantity {
			wrong("items[%d].quantity: want 1 to %d", i, maxQuantity)
		}
		if item.PriceMinor < 0 || item.PriceMinor > maxPrice {
			wrong("items[%d].priceMinor: want 0 to %d", i, maxPrice)
		}
	}
	if o.MinutesSinceLastOrder != nil && *o.MinutesSinceLastOrder < 0 {
		wrong("minutesSinceLastOrder: want no negative number")
	}
	return errors.Join(errs...)
}

// total is the sum of a checked order, in minor units.
func (o Order) total() int64 {
	var sum int64
	for _, item := range o.Items {
		sum += item.Quantity * item.PriceMinor
	}
	return sum
}

// count is how many pieces a checked order has.
func (o Order) count() int64 {
	var sum int64
	for _, item := range o.Items {
		sum += item.Quantity
	}
	return sum
}
