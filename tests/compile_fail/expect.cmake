# cmake -DCOMPILER=... -DCASE=file.cpp -DINCLUDE=dir -P expect.cmake
cmake_minimum_required(VERSION 3.25)
file(STRINGS ${CASE} first LIMIT_COUNT 1)
if(NOT first MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${CASE} does not say what to expect")
endif()
set(sentence "${CMAKE_MATCH_1}")
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -I${INCLUDE} ${CASE}
                RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(status EQUAL 0)
  message(FATAL_ERROR "${CASE} compiles, and should not")
endif()
if(NOT said MATCHES "${sentence}")
  message(FATAL_ERROR "The compiler does not say \"${sentence}\" but:\n${said}")
endif()
# Without the faulty line the rest must compile: the case fails for its own reason.
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -DWITHOUT_FAULT -I${INCLUDE} ${CASE}
                RESULT_VARIABLE status ERROR_VARIABLE said)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${CASE} fails without its fault:\n${said}")
endif()
