// What Rust's programs take random numbers from on Windows, for a Wine that lacks it.
// https://learn.microsoft.com/windows/win32/seccng/processprng
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return RtlGenRandom(data, (ULONG)size); }
