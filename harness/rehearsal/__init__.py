"""One scenario put together with an org, a clock, cassettes and a journal, and run as far as somebody asks."""
