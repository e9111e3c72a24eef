namespace Watari.Introspection;

/// <summary>A guest's memory could not be read as what it should be. Everything that introspection throws because of a guest is one of these.</summary>
public class IntrospectionException : Exception
{
    public IntrospectionException(string message) : base(message)
    {
    }

    public IntrospectionException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
