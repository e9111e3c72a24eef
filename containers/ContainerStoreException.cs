namespace Watari.Containers;

/// <summary>What a container runtime wrote cannot be read as what it should be. All that this project throws because of a guest is one of these.</summary>
public class ContainerStoreException : Exception
{
    public ContainerStoreException(string message) : base(message)
    {
    }

    public ContainerStoreException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
