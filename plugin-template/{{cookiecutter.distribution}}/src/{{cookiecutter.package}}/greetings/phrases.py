"""What people say when they meet."""

PHRASES = {
    "de": "Hallo",
    "en": "Hello",
    "fr": "Bonjour",
}
