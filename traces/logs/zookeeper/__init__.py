"""What a ZooKeeper server leaves on disk and sends to its peers: formats, and checks over one server and between servers."""
