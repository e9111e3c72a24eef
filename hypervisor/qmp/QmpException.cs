namespace Watari.Hypervisor;

/// <summary>QEMU understood a command and refused it.</summary>
public sealed class QmpException(string command, string errorClass, string description)
    : HypervisorException($"QEMU refused {command}: {description} ({errorClass})")
{
    public string Command { get; } = command;

    /// <summary>QEMU's error class, mostly <c>GenericError</c>, also <c>CommandNotFound</c> or <c>DeviceNotFound</c> (qapi/error.json).</summary>
    public string ErrorClass { get; } = errorClass;

    /// <summary>QEMU's own words.</summary>
    public string Description { get; } = description;
}

/// <summary>QEMU did not answer, or an awaited event did not come, before the deadline.</summary>
public sealed class QmpTimeoutException(string message) : HypervisorException(message);

/// <summary>There is no connection to QEMU: none was to be had, or it broke.</summary>
public sealed class QmpConnectionException(string message, Exception? inner = null) : HypervisorException(message, inner);
