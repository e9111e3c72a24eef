namespace Watari.Hypervisor;

/// <summary>Something between Watari and QEMU went wrong; the message says what, and what to do about it.</summary>
public class HypervisorException(string message, Exception? inner = null) : Exception(message, inner);
