namespace Watari.Containers.Bolt;

/// <summary>A file is no bbolt database, or not a whole one.</summary>
public sealed class BoltException(string message) : ContainerStoreException(message);
