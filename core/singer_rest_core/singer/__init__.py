"""What Singer and singer-sdk need: messages, bookmarks, deletes, and the names of the SDK that are overridden."""
