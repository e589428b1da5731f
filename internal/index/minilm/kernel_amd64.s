#include "textflag.h"

// func dot4AVX2(acc []int32, a []int16, w []int8, k int)
//
// Four rows of activations by two rows of weights at a time: eight sums of
// eight lanes each, added up across their lanes at the end of k.
TEXT ·dot4AVX2(SB), NOSPLIT, $0-80
	MOVQ acc_base+0(FP), DI
	MOVQ acc_len+8(FP), R8
	MOVQ a_base+24(FP), SI
	MOVQ w_base+48(FP), DX
	MOVQ k+72(FP), CX
	SHRQ $2, R8              // rows of weights
	LEAQ (CX)(CX*1), R9      // bytes in a row of activations
	LEAQ (R9)(R9*2), R10     // bytes in three of them
	LEAQ (R8*4), R11         // bytes in a row of sums
	LEAQ (R11)(R11*2), BX    // bytes in three of them

pair:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VPXOR Y6, Y6, Y6
	VPXOR Y7, Y7, Y7
	MOVQ  SI, R12
	MOVQ  DX, R13
	MOVQ  CX, AX

step:
	VPMOVSXBW (R13), Y8
	VPMOVSXBW (R13)(CX*1), Y9
	VMOVDQU   (R12), Y10
	VMOVDQU   (R12)(R9*1), Y11
	VPMADDWD  Y8, Y10, Y12
	VPMADDWD  Y9, Y10, Y13
	VPADDD    Y12, Y0, Y0
	VPADDD    Y13, Y1, Y1
	VPMADDWD  Y8, Y11, Y12
	VPMADDWD  Y9, Y11, Y13
	VPADDD    Y12, Y2, Y2
	VPADDD    Y13, Y3, Y3
	VMOVDQU   (R12)(R9*2), Y10
	VMOVDQU   (R12)(R10*1), Y11
	VPMADDWD  Y8, Y10, Y12
	VPMADDWD  Y9, Y10, Y13
	VPADDD    Y12, Y4, Y4
	VPADDD    Y13, Y5, Y5
	VPMADDWD  Y8, Y11, Y12
	VPMADDWD  Y9, Y11, Y13
	VPADDD    Y12, Y6, Y6
	VPADDD    Y13, Y7, Y7
	ADDQ      $32, R12
	ADDQ      $16, R13
	SUBQ      $16, AX
	JNZ       step

	// Now each 128-bit half becomes one partial sum a (token, weight row).
	VPHADDD      Y1, Y0, Y0
	VPHADDD      Y3, Y2, Y2
	VPHADDD      Y5, Y4, Y4
	VPHADDD      Y7, Y6, Y6
	VPHADDD      Y2, Y0, Y0
	VPHADDD      Y6, Y4, Y4
	VEXTRACTI128 $1, Y0, X1
	VEXTRACTI128 $1, Y4, X5
	VPADDD       X1, X0, X0
	VPADDD       X5, X4, X4
	VMOVQ        X0, (DI)
	VPEXTRQ      $1, X0, (DI)(R11*1)
	VMOVQ        X4, (DI)(R11*2)
	VPEXTRQ      $1, X4, (DI)(BX*1)
	ADDQ         $8, DI
	LEAQ         (DX)(CX*2), DX
	SUBQ         $2, R8
	JNZ          pair
	VZEROUPPER
	RET

// func mixAVX2(out, p, m []float32, stride int)
//
// 32 columns at a time as long as there are as many, then 8.
TEXT ·mixAVX2(SB), NOSPLIT, $0-80
	MOVQ out_base+0(FP), DI
	MOVQ out_len+8(FP), R9
	MOVQ p_base+24(FP), SI
	MOVQ p_len+32(FP), CX
	MOVQ m_base+48(FP), DX
	MOVQ stride+72(FP), R8
	SHLQ $2, R8              // bytes in a row of m

wide:
	CMPQ  R9, $32
	JLT   narrow
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	MOVQ  SI, R10
	MOVQ  DX, R11
	MOVQ  CX, AX

wideRow:
	VBROADCASTSS (R10), Y8
	VMULPS       (R11), Y8, Y4
	VMULPS       32(R11), Y8, Y5
	VMULPS       64(R11), Y8, Y6
	VMULPS       96(R11), Y8, Y7
	VADDPS       Y4, Y0, Y0
	VADDPS       Y5, Y1, Y1
	VADDPS       Y6, Y2, Y2
	VADDPS       Y7, Y3, Y3
	ADDQ         $4, R10
	ADDQ         R8, R11
	DECQ         AX
	JNZ          wideRow
	VMOVUPS      Y0, (DI)
	VMOVUPS      Y1, 32(DI)
	VMOVUPS      Y2, 64(DI)
	VMOVUPS      Y3, 96(DI)
	ADDQ         $128, DI
	ADDQ         $128, DX
	SUBQ         $32, R9
	JMP          wide

narrow:
	TESTQ  R9, R9
	JZ     done
	VXORPS Y0, Y0, Y0
	MOVQ   SI, R10
	MOVQ   DX, R11
	MOVQ   CX, AX

narrowRow:
	VBROADCASTSS (R10), Y8
	VMULPS       (R11), Y8, Y4
	VADDPS       Y4, Y0, Y0
	ADDQ         $4, R10
	ADDQ         R8, R11
	DECQ         AX
	JNZ          narrowRow
	VMOVUPS      Y0, (DI)
	ADDQ         $32, DI
	ADDQ         $32, DX
	SUBQ         $8, R9
	JMP          narrow

done:
	VZEROUPPER
	RET
