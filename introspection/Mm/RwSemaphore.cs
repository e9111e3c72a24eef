namespace Watari.Introspection.Mm;

/// <summary>A lock for many readers or one writer (include/linux/rwsem.h); without PREEMPT_RT.</summary>
[KernelStruct("rw_semaphore")]
public readonly partial record struct RwSemaphore
{
    // RWSEM_WRITER_LOCKED (kernel/locking/rwsem.c).
    private const long WriterLocked = 1;

    [Field("count.counter")] private partial long Count { get; }

    public bool IsWriteLocked => (Count & WriterLocked) != 0;
}
