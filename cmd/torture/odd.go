package main

import "context"

func odd(ctx context.Context, r *round) error { return nil }
