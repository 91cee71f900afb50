# SPDX-License-Identifier: GPL-3.0-or-later
# Warnings, hardening, sanitizers, and gatehouse_library(): the one way to declare a folder's library.
option(GATEHOUSE_WERROR "warnings are errors" OFF)
option(GATEHOUSE_TESTS "build the tests" ON)
option(GATEHOUSE_SANITIZE "address and undefined behaviour sanitizers" OFF)
option(GATEHOUSE_FUZZ "libFuzzer instrumentation (clang)" OFF)
option(GATEHOUSE_COVERAGE "gcov instrumentation" OFF)

set(GATEHOUSE_WARNINGS
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2 -Wnull-dereference -Wundef
  -Wswitch-enum -Wvla -Walloca -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wredundant-decls
  -Wwrite-strings -Wdate-time -Wno-variadic-macros)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND GATEHOUSE_WARNINGS -Wcast-align=strict -Wformat-signedness -Wduplicated-cond -Wduplicated-branches
    -Wlogical-op -Wjump-misses-init -Wstack-usage=8192)
else()
  list(APPEND GATEHOUSE_WARNINGS -Wno-gnu-zero-variadic-macro-arguments -Wno-gnu-statement-expression
    -Wno-c23-extensions)
endif()
if(GATEHOUSE_WERROR)
  list(APPEND GATEHOUSE_WARNINGS -Werror)
endif()

set(GATEHOUSE_FLAGS -fno-strict-overflow -fstack-protector-strong)
set(GATEHOUSE_LINK -Wl,-z,relro,-z,now -Wl,--as-needed)
if(GATEHOUSE_SANITIZE)
  list(APPEND GATEHOUSE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  list(APPEND GATEHOUSE_LINK -fsanitize=address,undefined)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  list(APPEND GATEHOUSE_FLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection -fcf-protection=full
    -ftrivial-auto-var-init=zero)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND GATEHOUSE_FLAGS -fzero-call-used-regs=used-gpr)
  endif()
  list(APPEND GATEHOUSE_LINK ${GATEHOUSE_FLAGS}) # code is generated at link time (LTO)
endif()
if(GATEHOUSE_FUZZ)
  list(APPEND GATEHOUSE_FLAGS -fsanitize=fuzzer-no-link)
endif()
if(GATEHOUSE_COVERAGE)
  list(APPEND GATEHOUSE_FLAGS --coverage -fprofile-abs-path)
  list(APPEND GATEHOUSE_LINK --coverage)
endif()

add_compile_options(${GATEHOUSE_FLAGS})
add_link_options(${GATEHOUSE_LINK})
add_compile_definitions(_GNU_SOURCE)
include_directories(${CMAKE_SOURCE_DIR})

find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)

# gatehouse_library(gateway/base DEPENDS gateway/loop … SYSTEM ssl crypto …): static library gw_gateway_base of all *.c below
# the folder, sub-folders included. SYSTEM names are passed to the linker.
function(gatehouse_library folder)
  cmake_parse_arguments(ARG "" "" "DEPENDS;SYSTEM;INCLUDE" ${ARGN})
  string(REPLACE "/" "_" name "gw_${folder}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main/main\\.c$")
  if(NOT sources)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_compile_options(${name} PRIVATE ${GATEHOUSE_WARNINGS})
  foreach(dep ${ARG_DEPENDS})
    string(REPLACE "/" "_" depname "gw_${dep}")
    if(EXISTS ${CMAKE_SOURCE_DIR}/${dep}/CMakeLists.txt)
      target_link_libraries(${name} PUBLIC ${depname})
    endif()
  endforeach()
  target_link_libraries(${name} PUBLIC ${ARG_SYSTEM})
  if(ARG_INCLUDE)
    target_include_directories(${name} SYSTEM PUBLIC ${ARG_INCLUDE})
  endif()
endfunction()
