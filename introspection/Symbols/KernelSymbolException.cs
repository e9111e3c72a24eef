namespace Watari.Introspection.Symbols;

/// <summary>A symbol that a reader needs is not there, or the symbol table itself cannot be read.</summary>
public sealed class KernelSymbolException(string symbol, string reason)
    : IntrospectionException($"Kernel symbol {symbol}: {reason}.")
{
    public string Symbol { get; } = symbol;
}
